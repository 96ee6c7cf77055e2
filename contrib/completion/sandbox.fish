# Completion of sandbox(1) for fish: the program itself says what could follow.

function __sandbox_answer
	set -l words (commandline -opc) (commandline -ct)
	set -l answer ($words[1] completion answer $words[2..-1] 2>/dev/null)
	test (count $answer) -gt 0; or return
	set -l kind (string split -m 1 ' ' -- $answer[1])
	for line in $answer[2..-1]
		echo -- $kind[2]$line
	end
	set -l rest (string sub -s (math (string length -- $kind[2]) + 1) -- $words[-1])
	switch $kind[1]
		case files
			for path in (__fish_complete_path $rest)
				echo -- $kind[2]$path
			end
		case directories
			for path in (__fish_complete_directories $rest)
				echo -- $kind[2]$path
			end
	end
end

complete -c sandbox -f -a '(__sandbox_answer)'
