# Completion in real shells: bash with its package bash-completion, zsh, fish.
# shellcheck shell=bash
# shellcheck disable=SC2154  # helper.bash sets status, output and stderr

load helper

setup_file() {
	private_folders
	"$SANDBOX" import --name debian:12 "$BUSYBOX_TAR" >/dev/null
	mkdir -p "$XDG_CONFIG_HOME/sandbox/profiles" "$BATS_FILE_TMPDIR/bin" "$BATS_FILE_TMPDIR/here/folder"
	: >"$XDG_CONFIG_HOME/sandbox/profiles/release"
	: >"$BATS_FILE_TMPDIR/here/image.tar"
	: >"$BATS_FILE_TMPDIR/here/two words.tar"
	ln -s "$SANDBOX" "$BATS_FILE_TMPDIR/bin/sandbox"
	# The importer is looked for beside the program itself.
	export PATH=$BATS_FILE_TMPDIR/bin:$PATH
}

setup() {
	cd "$BATS_FILE_TMPDIR/here" || exit 1
}

# What bash would insert, or offer: bash_offers LINE
bash_offers() {
	"$SANDBOX" completion bash >"$BATS_TEST_TMPDIR/script"
	capture bash --norc -c 'source /usr/share/bash-completion/bash_completion && source "$1" || exit
		COMP_LINE=$2 COMP_POINT=${#2}
		_sandbox sandbox
		printf "%s\n" "${COMPREPLY[@]}"' bash "$BATS_TEST_TMPDIR/script" "$1"
}

fish_offers() {
	"$SANDBOX" completion fish >"$BATS_TEST_TMPDIR/script"
	capture fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$BATS_TEST_TMPDIR/script" "$1"
	output=$(cut -f 1 <<<"$output")
}

# Lines and what follows in them, as SHELL offers it; "+" stands for more.
both_offer() {
	local line=$1 expected=$2
	bash_offers "$line"
	[ "$(sort <<<"$output" | paste -sd ' ')" = "${3:-$expected}" ] || fail_with "bash, $line: should be ${3:-$expected}"
	fish_offers "$line"
	[ "$(sort <<<"$output" | paste -sd ' ')" = "$expected" ] || fail_with "fish, $line: should be $expected"
}

@test "commands, options, and those of the command that was typed" {
	both_offer 'sandbox im' 'image images import'
	both_offer 'sandbox --vers' --version
	both_offer 'sandbox --root /tmp -q im' 'image images import'
	both_offer 'sandbox image ver' verify
	both_offer 'sandbox image verify --dis' --discard
	both_offer 'sandbox image inspect deb' debian:12
	both_offer 'sandbox run --dry' --dry-run
	both_offer 'sandbox import --max-e' --max-entries
	both_offer 'sandbox help ru' run
	both_offer 'sandbox help E_NN' E_NNP
	both_offer 'sandbox completion ' 'bash fish zsh'
	# Of other tools, and no options at all.
	both_offer 'sandbox run --privi' ''
	both_offer 'sandbox create --det' ''
	both_offer 'sandbox create --labe' --label
	both_offer 'sandbox nonsense --' ''
}

@test "values of options" {
	both_offer 'sandbox run --overlay ' 'auto disk tmpfs'
	both_offer 'sandbox run --overlay=d' --overlay=disk disk
	both_offer 'sandbox run --read-only=' '--read-only=false --read-only=true' 'false true'
	both_offer 'sandbox run -it --userns s' single
	both_offer 'sandbox run --cap-add SYS_CH' SYS_CHROOT
	both_offer 'sandbox run --profile ' release
	both_offer 'sandbox --profile rel' release
	both_offer 'sandbox run --name ' ''
}

@test "files and folders where they mean something" {
	both_offer 'sandbox run -v fol' folder/ folder
	both_offer 'sandbox run -v folder:/' ''
	both_offer 'sandbox run --env-file im' image.tar
	both_offer 'sandbox run --env-file=im' --env-file=image.tar image.tar
	both_offer 'sandbox --root ' folder/ folder
	both_offer 'sandbox run --workdir fol' ''
	both_offer 'sandbox import im' image.tar
	bash_offers 'sandbox import two\ w'
	assert_output 'two words.tar'
}

@test "both sides of cp: files here, and the paths of sandboxes" {
	sandbox run -d --name builder "$BUSYBOX_TAR" true
	assert_status 0
	both_offer 'sandbox cp bu' builder:
	both_offer 'sandbox cp fol' folder/ folder
	both_offer 'sandbox cp -a builder:/etc/group fol' folder/ folder
	both_offer 'sandbox cp builder:/etc/group bu' builder:
	both_offer 'sandbox cp folder bu' builder:
	both_offer 'sandbox cp folder builder:/ fol' ''
	both_offer 'sandbox cp builder:/e' ''
	"$SANDBOX" wait builder
	"$SANDBOX" rm builder
}

@test "sandboxes that there are" {
	sandbox run -d --name builder "$BUSYBOX_TAR" true
	assert_status 0
	both_offer 'sandbox logs bu' builder
	both_offer 'sandbox rm x bu' builder
	both_offer 'sandbox stop bu' builder
	both_offer 'sandbox restart -t 1s x bu' builder
	both_offer 'sandbox kill -s TERM bu' builder
	"$SANDBOX" wait builder
	"$SANDBOX" rm builder
	both_offer 'sandbox logs bu' ''
}

@test "images: files and what is in the store; after the image it is the image's affair" {
	both_offer 'sandbox run im' image.tar
	both_offer 'sandbox run debian' debian:12
	both_offer 'sandbox run debian:' debian:12 12
	both_offer 'sandbox run -e A=1 --rm debian' debian:12
	both_offer 'sandbox run debian:12 im' ''
	both_offer 'sandbox run debian:12 --' ''
	both_offer 'sandbox rmi x deb' debian:12
	bash_offers 'sandbox rmi '
	assert_output_has "$(sha256sum "$BUSYBOX_TAR" | cut -c 1-12)"
}

# Types keys into a shell that runs on a terminal, and waits for a file that the line then writes.
types() {
	local keys=$1 log=$BATS_TEST_TMPDIR/log
	shift
	mkfifo "$BATS_TEST_TMPDIR/keys"
	(exec script -qfec "$(printf '%q ' "$@")" "$log" <"$BATS_TEST_TMPDIR/keys" >/dev/null 2>&1 3>&-) &
	exec 9>"$BATS_TEST_TMPDIR/keys"
	printf '%s\n' 'echo rea""dy' >&9
	wait_until grep -q '^ready' "$log" || cat -v "$log"
	printf '%b' "$keys" >&9
	wait_until test -s "$BATS_TEST_TMPDIR/result" || cat -v "$log"
	printf 'exit\n' >&9
	exec 9>&-
	wait
	output=$(<"$BATS_TEST_TMPDIR/result")
}

@test "bash finds the installed script by itself, and the tab key works" {
	mkdir -p "$XDG_DATA_HOME/bash-completion/completions"
	"$SANDBOX" completion bash >"$XDG_DATA_HOME/bash-completion/completions/sandbox"
	types "sandbox ru\t--dry-r\t--overl\tdi\tdeb\ttrue >'$BATS_TEST_TMPDIR/result'\n" \
		bash --rcfile /usr/share/bash-completion/bash_completion -i
	assert_output_has 'written to disk'
}

# Typed on after a word that ends in a colon.
copies_by_keys() {
	"$SANDBOX" run -d --name builder "$BUSYBOX_TAR" true
	types "sandbox cp buil\t/etc/group - | tar -t >'$BATS_TEST_TMPDIR/result'\n" "$@"
	"$SANDBOX" wait builder
	"$SANDBOX" rm builder
	assert_output group
}

@test "in bash no blank follows a sandbox whose path is to come" {
	"$SANDBOX" completion bash >"$BATS_TEST_TMPDIR/script"
	printf '. %q\n' /usr/share/bash-completion/bash_completion "$BATS_TEST_TMPDIR/script" >"$BATS_TEST_TMPDIR/rc"
	copies_by_keys bash --rcfile "$BATS_TEST_TMPDIR/rc" -i
}

@test "in zsh no blank follows a sandbox whose path is to come" {
	"$SANDBOX" completion zsh >"$BATS_TEST_TMPDIR/_sandbox"
	printf 'autoload -Uz compinit\ncompinit -D -u\n. %q\nunsetopt zle_bracketed_paste\n' "$BATS_TEST_TMPDIR/_sandbox" \
		>"$BATS_TEST_TMPDIR/.zshrc"
	ZDOTDIR=$BATS_TEST_TMPDIR copies_by_keys zsh -d -i
}

@test "zsh finds the installed function by itself, and the tab key works" {
	mkdir -p "$BATS_TEST_TMPDIR/functions"
	"$SANDBOX" completion zsh >"$BATS_TEST_TMPDIR/functions/_sandbox"
	printf 'fpath=(%q $fpath)\nautoload -Uz compinit\ncompinit -D -u\nunsetopt zle_bracketed_paste\n' \
		"$BATS_TEST_TMPDIR/functions" >"$BATS_TEST_TMPDIR/.zshrc"
	ZDOTDIR=$BATS_TEST_TMPDIR types "sandbox ru\t--dry-r\t--overlay=di\tdeb\ttrue >'$BATS_TEST_TMPDIR/result'\n" \
		zsh -d -i
	assert_output_has 'written to disk'
}

@test "another shell is an error" {
	sandbox completion tcsh
	assert_status 125
	assert_stderr_has 'bash, zsh or fish'
}
