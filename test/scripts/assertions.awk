# For check-assertions: what bash prints of each file, after a line with its name.

# A line without what is quoted or substituted in it: what is left is the command's own. `nest` is what the end of the line
# is in: a quote of either kind, or a parenthesis.
function strip(line,    i, c, top, out) {
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		top = substr(nest, length(nest))
		if (top == "'") {
			if (c == "'")
				nest = substr(nest, 1, length(nest) - 1)
		} else if (c == "\\") {
			i++
		} else if (top == "\"" && c == "\"" || top == "(" && c == ")") {
			nest = substr(nest, 1, length(nest) - 1)
		} else if (c == "\"" || c == "'" && top != "\"") {
			nest = nest c
			out = out (top ? "" : "Q")
		} else if (c == "(" && (top == "(" || substr(line, i - 1, 1) ~ /[$<>]/)) {
			nest = nest c
		} else if (!top) {
			out = out c
		}
	}
	return out
}

function add(line, text) {
	count[within]++
	words[within, count[within]] = line
	texts[within, count[within]] = text
}

function begin(name) {
	parent[++functions] = within
	within = functions
	names[within] = name
	files[within] = file
	by_name[file, name] = within
	if (file ~ /\.bash$/)
		by_name[name] = within
}

/^\002/ {
	file = substr($0, 2)
	within = 0
	nest = document = ""
	next
}

document {
	if ($0 == document)
		document = ""
	next
}

{
	if (nest) {
		text = text " " $0
		line = line strip($0)
	} else {
		text = $0
		line = strip($0)
	}
	if (nest)
		next
	if (match(text, /<<-?[A-Za-z]+/)) {
		document = substr(text, RSTART, RLENGTH)
		sub(/<<-?/, "", document)
	}
	gsub(/^ +| +$/, "", line)
	sub(/;$/, "", line)
	gsub(/\[\[ ([^]]|\][^]])*\]\]/, "[[ ]]", line)
	sub(/^ +/, "", text)
}

line ~ /^(function )?[a-z_0-9]+ \(\)$/ {
	sub(/^function /, "", line)
	begin(substr(line, 1, index(line, " ") - 1))
	brace[within] = match($0, /[^ ]/)
	next
}

line == "{" { next }

line == "}" && match($0, /[^ ]/) == brace[within] {
	within = parent[within]
	next
}

{ add(line, text) }

# A function that is called where its status is asked for.
function ask(file, name,    id) {
	id = (file, name) in by_name ? by_name[file, name] : name in by_name ? by_name[name] : 0
	if (id && !asked[id]) {
		asked[id] = 1
		more = 1
	}
}

function first_word(line) {
	while (sub(/^(if|while|until|elif|run|wait_until|!|-[0-9]+|then|do|else) /, "", line))
		;
	sub(/[ ;].*/, "", line)
	return line
}

function ask_callees(id,    i, j, n, parts, text) {
	for (i = 1; i <= count[id]; i++) {
		n = split(words[id, i], parts, / \|\| | && /)
		for (j = 1; j <= n; j++)
			if (j < n || asked[id] || parts[j] ~ /^(if|while|until|elif|run|wait_until|!) /)
				ask(files[id], first_word(parts[j]))
		text = texts[id, i]
		while (match(text, /\$\([a-z_]+/)) {
			ask(files[id], substr(text, RSTART + 2, RLENGTH - 2))
			text = substr(text, RSTART + RLENGTH)
		}
	}
}

# What comes after the other branches of an if or a case.
function after_branches(id, j,    first, end, depth) {
	first = words[id, j] == ";" ? "^case " : "^if "
	end = words[id, j] == ";" ? "esac" : "fi"
	for (; j <= count[id] && (depth > 0 || words[id, j] != end); j++)
		depth += (words[id, j] ~ first) - (words[id, j] == end)
	return j
}

# Whether nothing but ends of what it is in follows.
function is_last(id, i,    j) {
	for (j = i + 1; j <= count[id]; j++) {
		if (words[id, j] ~ /^(;|else|elif .*)$/)
			j = after_branches(id, j)
		else if (words[id, j] !~ /^(fi|esac|\})$/)
			return words[id, j] ~ /^\} \|\| /
	}
	return 1
}

function complain(id, i, why) {
	printf "%s: %s: %s:\n\t%s\n", files[id], names[id], why, texts[id, i]
	found = 1
}

function leaves_status(line) {
	return line ~ /^(run|capture|sandbox|run_busybox|run_switched|within_a_minute) / && line !~ /^run (!|-[0-9])/ && line !~ /\|\|/
}

function judge(id,    i, line) {
	for (i = 1; i <= count[id]; i++) {
		line = words[id, i]
		if (leaves_status(line) && (i == count[id] ? names[id] ~ /^test_of_line_/ :
				leaves_status(words[id, i + 1]) && texts[id, i + 1] !~ /\$\{?#?(status|output|lines|stderr)/))
			complain(id, i, "nobody looks at what this comes to")
		if (is_last(id, i) || line ~ /^(if|while|until|elif|for|case|\() /)
			continue
		if (line ~ / \|\| /) {
			if (asked[id] && line ~ / \|\| fail_with [^|]*$/)
				complain(id, i, "the function goes on when this fails, and its caller asks how it ends")
		} else if (line ~ /^! /) {
			complain(id, i, "its failure is none")
		} else if (line ~ / && /) {
			if (line !~ /^(echo|printf|cat|[a-z_]+=[^ ]*) |&& (return|break|continue|exit|skip|false)/)
				complain(id, i, "the failure of its first part is none")
		} else if (asked[id] && line !~ / \| / && words[id, i + 1] !~ /^return/ && line ~ /^(\[|\[\[|assert_[a-z_]*|refute|fail_with|wait_until|cmp|diff|test|grep -q[a-zA-Z]*)( |$)/)
			complain(id, i, "the function goes on when this fails, and its caller asks how it ends")
	}
}

END {
	for (id = 1; id <= functions; id++)
		if (names[id] ~ /^teardown/)
			asked[id] = 1
	do {
		more = 0
		for (id = 1; id <= functions; id++)
			ask_callees(id)
	} while (more)
	for (id = 1; id <= functions; id++)
		judge(id)
	exit found
}
