# Lines "NAME<tab>SAMPLE<tab>SAMPLE…" become "NAME<tab>MEDIAN<tab>10TH<tab>90TH PERCENTILE". A variable
# `suffix` is added to the names.
BEGIN { FS = OFS = "\t" }

# Few enough for insertion.
function sort_samples(    i, j, value) {
	for (i = 2; i <= count; i++) {
		value = samples[i]
		for (j = i - 1; j >= 1 && samples[j] > value; j--)
			samples[j + 1] = samples[j]
		samples[j + 1] = value
	}
}

function quantile(part,    position, below) {
	position = 1 + (count - 1) * part
	below = int(position)
	if (below == count)
		return samples[count]
	return samples[below] + (position - below) * (samples[below + 1] - samples[below])
}

{
	count = NF - 1
	for (i = 1; i <= count; i++)
		samples[i] = $(i + 1) + 0
	sort_samples()
	print $1 suffix, sprintf("%.3f", quantile(0.5)), sprintf("%.3f", quantile(0.1)), sprintf("%.3f", quantile(0.9))
}
