# Completion of sandbox(1) for bash: the program itself says what could follow.
# shellcheck shell=bash

# Takes off COMPREPLY what bash takes for words of their own, and does not replace.
__sandbox_trim() {
	local breaks=
	[[ $COMP_WORDBREAKS != *=* ]] || breaks+='='
	[[ $COMP_WORDBREAKS != *:* ]] || breaks+=':'
	[[ -n $breaks && $1 == *["$breaks"]* ]] || return 0
	COMPREPLY=("${COMPREPLY[@]#"${1%"${1##*["$breaks"]}"}"}")
}

_sandbox() {
	local line=${COMP_LINE:0:COMP_POINT} program words answer current kind prefix candidate
	COMPREPLY=()
	# Words as the shell has them, but for quotes. Not its COMP_WORDS: those are cut at "=" and ":".
	# shellcheck disable=SC2162  # backslashes are the user's
	read -a words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=('')
	program=${words[0]/#\~/$HOME}
	mapfile -t answer < <("$program" completion answer "${words[@]:1}" 2>/dev/null)
	[ "${#answer[@]}" != 0 ] || return 0
	current=${words[-1]}
	kind=${answer[0]%% *}
	prefix=${answer[0]#* }
	for candidate in "${answer[@]:1}"; do
		COMPREPLY+=("$prefix${candidate%%$'\t'*}")
	done
	case $kind in
	files) mapfile -t answer < <(compgen -f -- "${current#"$prefix"}") ;;
	directories) mapfile -t answer < <(compgen -d -- "${current#"$prefix"}") ;;
	*) answer=() ;;
	esac
	[ "${#answer[@]}" = 0 ] || compopt -o filenames 2>/dev/null
	COMPREPLY+=("${answer[@]/#/"$prefix"}")
	# "SANDBOX:" is to be continued.
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *: ]] || compopt -o nospace 2>/dev/null
	__sandbox_trim "$current"
}

complete -F _sandbox sandbox
