# check-assertions: reads what bash prints of each file, after a line with its name.

# Takes what is quoted or substituted out of a line: what is left is the command's own words. `nest` is what the end of the
# line is in: a quote of either kind, or a parenthesis.
function strip(line,    i, c, top, out) {
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		top = substr(nest, length(nest))
		if (top == "'") {
			if (c == "'")
				nest = substr(nest, 1, length(nest) - 1)
			continue
		}
		if (c == "\\") {
			i++
			continue
		}
		if (top == "\"" && c == "\"" || top == "(" && c == ")") {
			nest = substr(nest, 1, length(nest) - 1)
		} else if (c == "\"" || c == "'" && top != "\"") {
			nest = nest c
			if (!top)
				out = out "Q"
		} else if (c == "(" && (top == "(" || substr(line, i - 1, 1) ~ /[$<>]/)) {
			nest = nest c
		} else if (!top) {
			out = out c
		}
	}
	return out
}

function complain(text, why) {
	sub(/^ */, "", text)
	printf "%s: %s: %s\n\t%s\n", file, place[depth], why, text
	found = 1
}

# Whether only ends of what it is in follow.
function is_last(i,    j) {
	for (j = i + 1; j <= count[depth]; j++)
		if (words[depth, j] !~ /^(fi|esac|;;)?$/)
			return 0
	return 1
}

function looks_at_once(line) {
	return line ~ /^(run|capture|sandbox|run_busybox|run_switched|within_a_minute) / && line !~ /^run (!|-[0-9])/
}

# All that is wrong in the function that has just ended.
function judge(    i, line, asked) {
	asked = place[depth] ~ /^teardown/ || ((file, place[depth]) in is_asked) || (file ~ /\.bash$/ && (place[depth] in is_asked_anywhere))
	for (i = 1; i <= count[depth]; i++) {
		line = words[depth, i]
		gsub(/\[\[ ([^]]|\][^]])*\]\]/, "[[ ]]", line)
		if (looks_at_once(line) && line !~ /\|\|| && / && looks_at_once(words[depth, i + 1]))
			complain(texts[depth, i], "the next command takes the place of what it came to")
		if (is_last(i) || line ~ /^(if|while|until|elif|for|case|function|\() / || line ~ / \|\| /)
			continue
		if (line ~ /^! /)
			complain(texts[depth, i], "its failure is none to the shell")
		else if (line ~ / && / && line !~ /&& (return|break|continue|exit|skip)/)
			complain(texts[depth, i], "the failure of its first part is none to the shell")
		else if (asked && line ~ /^(\[|\[\[|assert_[a-z_]*|refute|fail_with|wait_until|cmp|diff|test|grep -q[a-zA-Z]*)( |$|;)/)
			complain(texts[depth, i], "the function goes on, whose caller asks how it ends")
	}
}

# Functions that are called where their status is asked for.
function note_callers(line,    n, parts, i, word) {
	n = split(line, parts, / \|\| | && |; /)
	for (i = 1; i <= n; i++) {
		word = parts[i]
		if (i < n || word ~ /^(if|while|until|elif|run|wait_until|!) /) {
			sub(/^ */, "", word)
			while (sub(/^(if|while|until|elif|run|wait_until|!) /, "", word))
				;
			sub(/[ ;].*/, "", word)
			if (word ~ /^[a-z_]+$/ && (i < n ? line ~ /\|\||&&/ : 1))
				asked_for[file, word] = 1
		}
	}
}

/^\002/ { file = substr($0, 2); depth = 0; nest = ""; next }

# Read twice: the callers first.
{
	print
}
