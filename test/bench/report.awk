# The table for the terminal, and as JSON and SVG. First file: names and times (summary.awk); second:
# goals, "WHAT | BESIDE | AT MOST", the last empty where there is only something to know.
# Variables: title, machine, json, svg; lowest: the value in ms where the bars of the drawing begin. A sixth column, where
# there is one, is the peak of memory in KiB.
BEGIN { FS = "\t" }

FNR == NR {
	name[++count] = $1
	median[$1] = $2
	low[$1] = $3
	high[$1] = $4
	processor[$1] = $5
	memory[$1] = $6
	next
}

/^#/ || NF == 0 { next }

{
	split($0, field, / \| ?/)
	if (!(field[1] in median) || !(field[2] in median)) {
		print "no such measurement: " $0 > "/dev/stderr"
		failed = 1
		exit
	}
	what[++goals] = field[1]
	beside[goals] = field[2]
	most[goals] = field[3]
	ratio[goals] = median[field[1]] / median[field[2]]
	quiet[goals] = low[field[1]] / low[field[2]]
	work[goals] = processor[field[2]] ? processor[field[1]] / processor[field[2]] : 0
}

function verdict(goal) {
	return most[goal] == "" ? "" : ratio[goal] <= most[goal] ? "met" : "missed"
}

function print_table(    i) {
	printf "%s\n\n%-38s %9s %19s %12s\n", machine, title, "median", "10th to 90th of 100", "processor"
	for (i = 1; i <= count; i++)
		printf "%-38s %6.2f ms %8.2f to %6.2f ms %9.2f ms%s\n", name[i], median[name[i]], low[name[i]], \
			high[name[i]], processor[name[i]], memory[name[i]] ? sprintf("%7.1f MiB", memory[name[i]] / 1024) : ""
	printf "\n%-38s %-34s %7s %7s %9s %8s\n", "goals", "beside", "ratio", "quiet", "processor", "at most"
	for (i = 1; i <= goals; i++)
		printf "%-38s %-34s %7.3f %7.3f %9.3f %8s  %s\n", what[i], beside[i], ratio[i], quiet[i], work[i], most[i], verdict(i)
	printf "ratio: of the medians. quiet: of the 10th percentiles, which other work on the machine disturbs least.\n"
	printf "processor: of the medians of processor time, without what the kernel does after the end.\n"
}

function print_loader(    own) {
	if (!("sandbox --version" in median))
		return
	own = median["sandbox --version"] - median["an empty static program"]
	printf "\nloading: `sandbox` itself, before it does anything, costs %.2f ms more than an empty static program,\n", own
	printf "%.1f %% of a start with one id. Loading libarchive would cost %.2f ms.\n", \
		100 * own / median["sandbox, one id"], median["env true, loading libarchive"] - median["env true"]
}

function write_json(    i) {
	printf "{\n\"machine\": \"%s\",\n\"milliseconds\": [\n", machine > json
	for (i = 1; i <= count; i++)
		printf "{\"name\": \"%s\", \"median\": %s, \"p10\": %s, \"p90\": %s, \"processor\": %s, \"memory_kib\": %s}%s\n", \
			name[i], median[name[i]], low[name[i]], high[name[i]], processor[name[i]], \
			memory[name[i]] ? memory[name[i]] : "null", i < count ? "," : "" > json
	printf "],\n\"goals\": [\n" > json
	for (i = 1; i <= goals; i++)
		printf "{\"what\": \"%s\", \"beside\": \"%s\", \"ratio\": %.4f, \"quiet\": %.4f, \"processor\": %.4f, \"at_most\": %s, \"verdict\": \"%s\"}%s\n", \
			what[i], beside[i], ratio[i], quiet[i], work[i], most[i] == "" ? "null" : most[i], verdict(i), \
			i < goals ? "," : "" > json
	printf "]\n}\n" > json
}

# A logarithmic axis, since podman needs fifty times as long as the floor.
function bar_width(value) {
	return value <= lowest ? 1 : 110 * log(value / lowest) / log(4)
}

function draw(    i, y, colour) {
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"%d\" font-family=\"sans-serif\" font-size=\"13\">\n", \
		24 * count + 60 > svg
	printf "<text x=\"10\" y=\"22\" font-size=\"15\">%s: medians in ms, logarithmic (%s)</text>\n", title, machine > svg
	for (i = 1; i <= count; i++) {
		y = 24 * i + 18
		colour = name[i] ~ /^sandbox/ ? "#2a6f97" : name[i] ~ /^floor/ ? "#9aa5b1" : "#c98b4a"
		printf "<text x=\"250\" y=\"%d\" text-anchor=\"end\">%s</text>", y + 13, name[i] > svg
		printf "<rect x=\"260\" y=\"%d\" width=\"%.1f\" height=\"18\" fill=\"%s\"/>", y, bar_width(median[name[i]]), colour > svg
		printf "<text x=\"%.1f\" y=\"%d\">%.2f</text>\n", 266 + bar_width(median[name[i]]), y + 13, median[name[i]] > svg
	}
	print "</svg>" > svg
}

END {
	if (failed)
		exit 1
	print_table()
	print_loader()
	write_json()
	draw()
}
