#compdef sandbox
# Completion of sandbox(1) for zsh: the program itself says what could follow.

_sandbox() {
	local -a answer candidates beginnings
	local kind prefix line word
	answer=("${(@f)$(${(Q)words[1]} completion answer "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
	[[ -n $answer[1] ]] || return 1
	kind=${answer[1]%% *}
	prefix=${answer[1]#* }
	[[ -z $prefix ]] || compset -P ${#prefix} '?' || compset -P '*='
	for line in "${(@)answer[2,-1]}"; do
		word=${line%%$'\t'*}
		line=${word//:/\\:}${${(M)line%%$'\t'*}:+:${line#*$'\t'}}
		# "SANDBOX:" is to be continued.
		if [[ $word == *: ]]; then
			beginnings+=("$line")
		else
			candidates+=("$line")
		fi
	done
	(( $#candidates )) && _describe -V sandbox candidates
	(( $#beginnings )) && _describe -V sandbox beginnings -S ''
	case $kind in
	files) _files ;;
	directories) _files -/ ;;
	esac
}

if [[ $funcstack[1] == _sandbox ]]; then
	_sandbox "$@"
else
	compdef _sandbox sandbox
fi
