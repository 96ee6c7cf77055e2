# One row for each option of each command. options.bats reads them, and fails when an option of --help has none.
# The finer points of an option are tested in a file of its subject; here is that it does something at all.
#
#	row COMMAND OPTION 'AS GIVEN' 'LINE' 'SHOWS' 'MISTAKE' 'SAYS'
#
# AS GIVEN  the option with its value, any number of words.
# LINE      shell that uses it. `with ARG…` is `sandbox COMMAND AS GIVEN ARG…`; a lone "--" becomes "IMAGE --".
#           `through PROGRAM with …` has a program or function start it.
#           It runs in a folder of its own, in which there are a file lent/file, and more
#           (make_template).
# SHOWS     a pattern (as of [[ == ]]) of all that the line prints, which must *not* match when the same line is
#           run without the option. With a "=" in front it matches in both cases: the option says what is so anyway.
# MISTAKE   the option as it must not be given: the same line is an error, with status 125 and a fix.
# SAYS      what the error says, literally.
#
# `row_if CONDITION COMMAND OPTION …` is a row whose effect shows only where the condition holds.
# shellcheck shell=bash
# shellcheck disable=SC2016  # the test expands the lines

boolean='neither true nor false'

# --- sandbox itself ------------------------------------------------------------------------------------------

row '' root '--root ./store' 'with run -- true; echo store/*' '*store/layers*' '--root=/proc/none' /proc/none
row '' state '--state ./state' 'with run --overlay disk -- true; ls -d state' state '--state=/proc/none' /proc/none
row '' runroot '--runroot ./live' 'with run --rm --name x -- true; ls -d live' live '--runroot=/proc/none' /proc/none
row '' config '--config other' 'with run -- hostname' configured '--config none' none
row '' profile '--profile ./other' 'with run -- hostname' configured '--profile none' 'no profile none'
row '' debug --debug 'with run -- true 2>&1' '*already in the store*' --debug=2 "$boolean"
row '' quiet -q 'through "setpriv --no-new-privs" with run -- true 2>&1; echo' '' --quiet=2 "$boolean"
row '' version --version 'with images' 'sandbox [0-9]*' --version=2 "$boolean"

# --- import, images --------------------------------------------------------------------------------------------

empty_store='export XDG_CACHE_HOME=$(mktemp -d "$HOME/XXXXXX")'
row import name '--name fresh' "$empty_store"'; with "$BUSYBOX_TAR"; "$SANDBOX" images' '*fresh *' '--name a//b' 'a//b'
row import platform '--platform linux/s390x' "$empty_store"'; with --select one:1 several.tar >/dev/null;
	"$SANDBOX" images --json' '*linux/s390x*' '--platform linux' OS/ARCHITECTURE
row import select '--select two:1' "$empty_store"'; with several.tar >/dev/null; "$SANDBOX" images' '*two:1*' \
	'--select=' 'such a name'

# What import and load have in common: who the files belong to, and what an archive may be. How it is named is theirs.
# usage: reads_archive COMMAND WORDS-BEFORE-THE-FILE
reads_archive() {
	row "$1" userns '--userns single' "$empty_store; with $2 tree.tar >/dev/null;"'
		"$SANDBOX" run --dry-run --userns single tree.tar true' '*sha256:*' '--userns none' '"none"'
	exceeds "$1" max-size '--max-size 4k' "$2 tree.tar" '--max-size 4x' 'not a size'
	exceeds "$1" max-apparent-size '--max-apparent-size 3' "$2 tree.tar" '--max-apparent-size 4x' 'not a size'
	exceeds "$1" max-entries '--max-entries 1' "$2 tree.tar" '--max-entries few' 'not a number'
	exceeds "$1" max-depth '--max-depth 1' "$2 tree.tar" '--max-depth few' 'not a number'
	exceeds "$1" max-header-size '--max-header-size 511' "$2 tree.tar" '--max-header-size 1x' 'not a size'
	exceeds "$1" max-ratio '--max-ratio 1' "$2 zeroes.tar.gz" '--max-ratio much' 'not a number'
	row_if is_not_sanitized "$1" max-memory '--max-memory 1m' "$empty_store; with $2 tree.tar 2>&1" '*Cannot allocate*' \
		'--max-memory little' 'not a size'
}

exceeds() {
	row "$1" "$2" "$3" "$empty_store; with $4 2>&1" '*E_ARCHIVE_LIMIT*' "$5" "$6"
}

reads_archive import ''
with_kept='"$SANDBOX" run --name kept$$ "$BUSYBOX_TAR" touch /new; '
row export output '--output root.tar' "$with_kept"'with kept$$ | wc -c; ls root.tar; "$SANDBOX" rm kept$$' '0*root.tar*' \
	'--output none/root.tar' none/root.tar
own_file='"$SANDBOX" run --name kept$$ "$BUSYBOX_TAR" sh -c "touch /f; chown 33 /f; ln -s f /l"; '
row cp archive --archive "$own_file"'with kept$$:/f .; [ -O f ] || echo theirs; "$SANDBOX" rm kept$$' 'theirs*' --archive=2 "$boolean"
row cp follow-link -L "$own_file"'with kept$$:/l .; [ -L l ] || echo file; "$SANDBOX" rm kept$$' 'file*' --follow-link=2 "$boolean"
row diff json --json "$with_kept"'with kept$$; "$SANDBOX" rm kept$$' '\[*"/new"*\]*' --json=2 "$boolean"
commit_it='with kept$$ made$$ >/dev/null; '; done_with_kept='; "$SANDBOX" rm kept$$; "$SANDBOX" rmi made$$'
row commit change '--change WORKDIR=/etc' "$with_kept$commit_it"'"$SANDBOX" run made$$ pwd'"$done_with_kept" '/etc*' \
	'--change WORKDIR' 'no value'
row commit message '--message remarkable' "$with_kept$commit_it"'"$SANDBOX" history made$$'"$done_with_kept" '*remarkable*' \
	$'--message \xff' 'no UTF-8'
row commit author '--author somebody' "$with_kept$commit_it"'"$SANDBOX" save made$$ | tar -xO'"$done_with_kept" '*somebody*' \
	$'--author \xff' 'no UTF-8'
row commit pause --pause 'id=$("$SANDBOX" run -d "$BUSYBOX_TAR" sleep 100); with "$id" 2>&1; "$SANDBOX" rm -f "$id"' \
	'*no control group*' --pause=2 "$boolean"
stored='$("$SANDBOX" images -q | head -n 1)'
row save output '--output saved.tar' 'with "'"$stored"'" | wc -c; ls saved.tar' '0*saved.tar' '--output none/saved.tar' none/saved.tar
row save format '--format oci-archive' 'with "'"$stored"'" | tar -t' '*index.json*' '--format tar' docker-archive
row load input '--input several.tar' "$empty_store"'; with </dev/null 2>&1' '*Loaded image: two:1*' '--input none.tar' none.tar
row load platform '--platform linux/s390x' "$empty_store"'; with -i several.tar >/dev/null;
	"$SANDBOX" images --json' '*linux/s390x*' '--platform linux' OS/ARCHITECTURE
reads_archive load -i
row images json --json 'with' '\[*\]' --json=2 "$boolean"
row images quiet --quiet 'with | head -n 1' 'sha256:*' --quiet=2 "$boolean"
row images no-trunc --no-trunc 'with | tail -n 1' "*  $(printf '[0-9a-f]%.0s' {1..64})  *" --no-trunc=2 "$boolean"
in_new_store="$empty_store"'; "$SANDBOX" import tree.tar >/dev/null; '
row rmi force --force "$in_new_store"'with nothing 2>&1 || true; echo; echo $?' $'\n0' --force=2 "$boolean"
row history json --json "$in_new_store"'with "$("$SANDBOX" images -q)"' '\[*\]' --json=2 "$boolean"
row history no-trunc --no-trunc "$empty_store"'; mv tree.tar "$(printf %080d 0)"; "$SANDBOX" import "$(printf %080d 0)" >/dev/null
	with "$("$SANDBOX" images -q)"' "*$(printf %080d 0)*" --no-trunc=2 "$boolean"
row df json --json "$in_new_store"with '{*}' --json=2 "$boolean"
row gc max-size '--max-size 1' "$in_new_store"'with | tail -n 1' '1 image *' '--max-size few' 'not a size'
row gc older-than '--older-than 1ms' "$in_new_store"'find "$XDG_CACHE_HOME" -name "*.json" -exec touch -d yesterday {} +
	with | tail -n 1' '1 image *' '--older-than long' 'not a duration'
row gc all --all "$in_new_store"'"$SANDBOX" tag "$("$SANDBOX" images -q)" name; with --max-size 1 | tail -n 1' '1 image *' \
	--all=2 "$boolean"
row gc dry-run --dry-run "$in_new_store"'with --max-size 1 | tail -n 1' '*would go*' --dry-run=2 "$boolean"
row gc json --json "$in_new_store"with '{*}' --json=2 "$boolean"
row doctor json --json 'with' '[[{]*' --json=2 "$boolean"

# --- ps, logs, stop, kill, rm ------------------------------------------------------------------------------------

detached='id=$("$SANDBOX" run -d "$BUSYBOX_TAR" sh -c "echo 1; echo 2; sleep \$1" -- '
ended='"$SANDBOX" rm -f "$id" >/dev/null'
row ps all --all "$detached 0); "'"$SANDBOX" wait "$id" >/dev/null; with;'"$ended" '*Exited*' --all=2 "$boolean"
row ps json --json 'with' '\[*\]' --json=2 "$boolean"
row ps quiet --quiet "$detached 99); "'with;'"$ended" '????????????' --quiet=2 "$boolean"
row ps filter '--filter exited=0' "$detached 0); "'"$SANDBOX" wait "$id" >/dev/null; with -q;'"$ended" '????????????' \
	'--filter colour=red' 'KEY=VALUE'
row ps format '--format {{.State}}' "$detached 99); "'with;'"$ended" running '--format {{.Colour}}' '.ID .Names'
row ps no-trunc --no-trunc "$detached 99); "'with;'"$ended" '*sleep $1 -- 99*' --no-trunc=2 "$boolean"
row logs follow --follow "$detached 1); "'with "$id" >/dev/null; "$SANDBOX" ps -q;'"$ended" '' --follow=2 "$boolean"
row logs tail '--tail 1' "$detached 0); "'"$SANDBOX" wait "$id" >/dev/null; with "$id";'"$ended" 2 '--tail few' 'not a number'
row logs timestamps --timestamps "$detached 0); "'"$SANDBOX" wait "$id" >/dev/null; with "$id";'"$ended" '20*Z 1*' \
	--timestamps=2 "$boolean"
row exec env '-e A=1' "$detached 99); "'with "$id" sh -c "echo \$A";'"$ended" 1 '--env =1' 'names no variable'
row exec env-file '--env-file vars' "$detached 99); "'with "$id" sh -c "echo \$FROM_FILE";'"$ended" yes \
	'--env-file no-such-file' no-such-file
row exec status-fd '--status-fd 7' "$detached 99); "'with "$id" true 7>told; grep -c exec_die told;'"$ended" 1 '--status-fd 2' 'not the number'
row exec workdir '-w /tmp' "$detached 99); "'with "$id" pwd;'"$ended" /tmp '--workdir where' 'absolute path'
row exec user '-u 12:34' "$detached 99); "'with "$id" id -u;'"$ended" 12 '--user nobody-at-all' nobody-at-all
row exec tty -t "$detached 99); "'through on_terminal with "$id" tty;'"$ended" '=*/dev/pts/0*' --tty=2 "$boolean"
row exec no-tty --no-tty "$detached 99); "'through on_terminal with "$id" tty;'"$ended" '*not a tty*' --no-tty=2 "$boolean"
row exec interactive -i "$detached 99); "'echo typed | with "$id" cat;'"$ended" =typed --interactive=2 "$boolean"
row exec detach -d "$detached 99); "'with "$id" echo shown;'"$ended" '' --detach=2 "$boolean"
row events since '--since 1h' "$detached 99); "'with --until 0s | tail -n 1;'"$ended" '*start*' '--since then' 'not a time'
row events until '--until 0s' "$detached 99); "'through "timeout 4" with --since 1h; echo $?;'"$ended" '*
0' '--until then' 'not a time'
row events filter '--filter event=start' "$detached 99); "'with --since 1h --until 0s | head -n 1;'"$ended" '*"start"*' \
	'--filter event=party' 'create start'
row stop all --all "$detached 99); "'with --time 0 >/dev/null; "$SANDBOX" ps -q;'"$ended" '' --all=2 "$boolean"
row restart all --all 'id=$("$SANDBOX" run -d --name box "$BUSYBOX_TAR" sh -c "echo ran; sleep 9"); with --time 0 >/dev/null;
	"$SANDBOX" events --filter id="$id" --filter event=start --since 1m --until 0s | wc -l; "$SANDBOX" rm -f box >/dev/null' 2 --all=2 "$boolean"
row kill all --all "$detached 99); "'with >/dev/null; "$SANDBOX" ps -q;'"$ended" '' --all=2 "$boolean"
row logs since '--since 0s' "$detached 0); "'"$SANDBOX" wait "$id" >/dev/null; with "$id";'"$ended" '' '--since then' 'not a time'
row logs until '--until 1h' "$detached 0); "'"$SANDBOX" wait "$id" >/dev/null; with "$id";'"$ended" '' '--until then' 'not a time'
row top json --json "$detached 99); "'with "$id";'"$ended" '\[*host_pid*' --json=2 "$boolean"
# Without the option the line that is typed is the end of it.
row attach detach-keys '--detach-keys x' 'id=$("$SANDBOX" run -dt "$BUSYBOX_TAR" sh -c "while echo shown; do sleep 0.1; done & read line")
	through "python3 $BATS_TEST_DIRNAME/typed.py shown x shown \\r --" with "$id"; "$SANDBOX" ps -q | sed s/^/runs:/;'"$ended" '*runs:*' \
	'--detach-keys ctrl-P' 'ctrl-'
row attach no-stdin --no-stdin 'id=$("$SANDBOX" run -di "$BUSYBOX_TAR" timeout 5 sh -c "read line; echo \$line");
	echo typed | with "$id";'"$ended" '' --no-stdin=2 "$boolean"
row attach sig-proxy --sig-proxy=false 'id=$("$SANDBOX" run -d "$BUSYBOX_TAR" sleep 99); through "timeout 3" with "$id";
	"$SANDBOX" ps -q;'"$ended" '*????????????*' --sig-proxy=2 "$boolean"
row stop signal '--signal KILL' "$detached 99); "'with "$id" >/dev/null && "$SANDBOX" wait "$id";'"$ended" 137 \
	'--signal NONE' 'no such signal'
row stop time '--time 0' "$detached 5); "'with --signal CONT "$id" >/dev/null && "$SANDBOX" wait "$id";'"$ended" 137 \
	'--time soon' 'not a duration'
row kill signal '--signal TERM' "$detached 99); "'with "$id" >/dev/null && "$SANDBOX" wait "$id";'"$ended" 143 \
	'--signal NONE' 'no such signal'
box_ended='; "$SANDBOX" rm -f box >/dev/null'
created='"$SANDBOX" create --name box "$BUSYBOX_TAR" sh -c "cat; echo ran" >/dev/null; '
row start status-fd '--status-fd 7' "$created"'with box 7>told; "$SANDBOX" wait box; grep -c start told'"$box_ended" \
	$'box\n0\n1' '--status-fd 2' 'not the number'
row start attach --attach "$created with box </dev/null$box_ended" ran --attach=2 "$boolean"
row start interactive -i "$created echo typed | with box$box_ended" $'typed\nran' --interactive=2 "$boolean"
listens='"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sh -c "
	trap \"echo got it; exit\" USR1; echo up; while :; do sleep 0.05; done" >/dev/null
until "$SANDBOX" logs box | grep -q up; do :; done; '
row restart signal '-s USR1' "$listens"'with -t 1m box >/dev/null; "$SANDBOX" logs box | grep got'"$box_ended" 'got it' \
	'--signal NONE' 'no such signal'
row restart time '-t 0' '"$SANDBOX" run -d --name box "$BUSYBOX_TAR" sh -c "sleep 5; echo by itself" >/dev/null
	with -s CONT box >/dev/null; "$SANDBOX" logs box'"$box_ended" '' '--time soon' 'not a duration'
row inspect format '-f {{.State.Status}}' "$created with box$box_ended" created '-f {{.State.None}}' 'names nothing'
row prune force --force "$created with </dev/null; "'"$SANDBOX" ps -aq'"$box_ended 2>&1" box --force=2 "$boolean"
row rm all --all "$detached 0); "'"$SANDBOX" wait "$id" >/dev/null; with >/dev/null; "$SANDBOX" ps -aq;'"$ended 2>&1" '' \
	--all=2 "$boolean"
row rm force --force "$detached 99); "'with "$id" >/dev/null; "$SANDBOX" ps -q;'"$ended 2>&1" '' \
	--force=2 "$boolean"

# --- run: name and life ----------------------------------------------------------------------------------------

row run name '--name box' 'with --rm -- hostname' box '--name a/b' a/b
row run keep --keep 'with -- true; "$SANDBOX" rm -a' '????????????' '--keep --rm' 'leave one of them out'
row run rm --rm 'with -- echo ran' '=ran' --rm=false 'leaves nothing behind'
row run replace --replace '"$SANDBOX" create --name box "$BUSYBOX_TAR" >/dev/null; with --name box -- echo ran; "$SANDBOX" rm -fa >/dev/null' \
	ran --replace=2 "$boolean"
row run log-opt '--log-opt max-file=1 --log-opt max-size=1k' 'with -d --name box -- seq 100 >/dev/null; "$SANDBOX" wait box >/dev/null;
	"$SANDBOX" logs box | wc -l; "$SANDBOX" rm box >/dev/null' '[1-9]?([0-9])' '--log-opt max-size=1' 'a kilobyte'
row run cidfile '--cidfile id' 'with -- true; cat id' '????????????' '--cidfile vars' 'another sandbox'
row run pidfile '--pidfile pid' 'with -d --rm -- sleep 9 >/dev/null; cat /proc/$(cat pid)/comm; "$SANDBOX" rm -fa >/dev/null' sandbox-init \
	'--pidfile /no/such/folder/pid' /no/such/folder
stopped='with -d --name box -- sleep 5 >/dev/null; "$SANDBOX" stop box >/dev/null; "$SANDBOX" wait box; "$SANDBOX" rm box >/dev/null'
row run stop-signal '--stop-signal KILL' "$stopped" 137 '--stop-signal NONE' 'no such signal'
row run stop-timeout '--stop-timeout 0' "${stopped/-d/-d --stop-signal CONT}" 137 '--stop-timeout soon' 'not a duration'
row run label '-l a=b' 'with -d --rm -- sleep 9 >/dev/null; "$SANDBOX" ps --json; "$SANDBOX" rm -fa >/dev/null' '*"a": "b"*' \
	'--label =b' 'no key'
row run detach --detach 'with -- echo ran; "$SANDBOX" rm -f $("$SANDBOX" ps -aq)' '[0-9a-f]*' --detach=2 "$boolean"
row run status-fd '--status-fd 7' 'with -- true 7>told; grep -c die told' 1 '--status-fd 2' 'not the number'
row run timeout '--timeout 0.1' 'with -- sleep 1; echo $?' 124 '--timeout soon' 'not a duration'

# --- run: process ------------------------------------------------------------------------------------------------

row run env '-e A=1' 'with -- sh -c "echo \$A"' 1 '--env =1' 'names no variable'
row run env-file '--env-file vars' 'with -- sh -c "echo \$FROM_FILE"' yes '--env-file no-such-file' no-such-file
row run env-host --env-host 'export FROM=here; with -- sh -c "echo \$FROM"' here --env-host=2 "$boolean"
row run unsetenv '--unsetenv HOSTNAME' 'with -- env | grep -c HOSTNAME' 0 '--unsetenv A=1' 'not the name'
row run platform '--platform linux/s390x' 'with --select one:1 several.tar' 'one:1 s390x' '--platform linux' OS/ARCHITECTURE
row run select '--select two:1' 'with several.tar' 'two:1 *' '--select=' 'such a name'
row run entrypoint '--entrypoint echo' 'with -- pwd' pwd '--entrypoint ["echo"]' 'no list'
row run workdir '-w /some/where' 'with -- pwd' /some/where '--workdir where' 'absolute path'
row run umask '--umask 077' 'with -- sh -c umask' 0077 '--umask 888' octal
row run oom-score-adj '--oom-score-adj 500' 'with -- cat /proc/self/oom_score_adj' 500 '--oom-score-adj 1001' 1000
row run init --init=false 'with -- sh -c "echo \$\$"' 1 --init=2 "$boolean"
row run interactive -i 'echo typed | with -- cat' =typed --interactive=2 "$boolean"
row run tty -t 'through on_terminal with -- tty' '=*/dev/pts/0*' --tty=2 "$boolean"
row run no-tty --no-tty 'through on_terminal with -- tty' '*not a tty*' --no-tty=2 "$boolean"
row run preserve-fds '--preserve-fds 1' 'with -- sh -c "cat <&3" 2>&1 3<lent/file 4<&-' 'from outside' \
	'--preserve-fds 2' 'descriptor 4'

# --- run: users ----------------------------------------------------------------------------------------------------

row run user '-u 12:34' 'with -- id -u' 12 '--user nobody-at-all' nobody-at-all
row run group-add '--group-add 77' 'with -- id -G' '* 77' '--group-add no-such-group' no-such-group
row run userns '--userns single' 'with -- cut -c 21- /proc/self/uid_map' '*[ ]1' '--userns auto' '"auto"'
row run uidmap '--uidmap 0:0:1 --uidmap 1:1:2000' 'with -- tail -n 1 /proc/self/uid_map' '* 2000' '--uidmap 1:x:1' 1:x:1
row run gidmap '--gidmap 0:0:1 --gidmap 1:1:2000' 'with -- tail -n 1 /proc/self/gid_map' '* 2000' '--gidmap 1:x:1' 1:x:1
row run hostname '-h box' 'with -- hostname' box '--hostname a/b' a/b

# --- run: files ------------------------------------------------------------------------------------------------------

row run volume '-v ./lent:/src' 'with -- cat /src/file' 'from outside' '--volume lent:/src' 'named volumes'
row run mount '--mount type=bind,source=./lent,target=/src' 'with -- cat /src/file' 'from outside' \
	'--mount type=volume,target=/src' 'neither bind nor tmpfs'
row run tmpfs '--tmpfs /etc' 'with -- ls -A /etc' '' '--tmpfs relative' relative
row run device '--device /dev/zero:/dev/nought' 'with -- head -c 3 /dev/nought | wc -c' 3 '--device ./lent/file:/x' 'device node'
row run read-only --read-only 'with -- touch /new; echo $?' 1 --read-only=2 "$boolean"
row run proc '--proc host' 'with -- sh -c "test -e /proc/$$ && echo seen"' seen '--proc none' '"none"'
row run shm-size '--shm-size 3m' 'with -- df -k /dev/shm | awk "END { print \$2 }"' 3072 '--shm-size 0' 'no limit at all'
row_if tmpfs_holds_layers run overlay '--overlay disk' 'rm -rf "$XDG_STATE_HOME"; with -- true; echo "$XDG_STATE_HOME"/sandbox/*' '*/ephemeral' \
	'--overlay ram' '"ram"'
row_if tmpfs_holds_layers run storage-size '--storage-size 1m' 'with -- df -k / | awk "END { print \$2 }"' 1024 \
	'--storage-size 1k' '64 KiB'

# --- run: network -----------------------------------------------------------------------------------------------------

row run net '--net host' 'test "$(with -- readlink /proc/self/ns/net)" != "$(readlink /proc/self/ns/net)" || echo same' same \
	'--net bridge' 'there is no such network'
row_if pasta_works run publish '-p 127.0.0.1:18089:80' 'with -- ip route' 'default via*' '-p 80' 'names no port of the host'
row run dns '--net=host --dns 192.0.2.53' 'with -- cat /etc/resolv.conf' '*nameserver 192.0.2.53*' \
	'--net=host --dns here' 'not an IPv4 or IPv6 address'
row run dns-search '--net=host --dns-search example.org' 'with -- cat /etc/resolv.conf' '*search example.org*' \
	'--net=host --dns-search a/b' 'not a domain name'
row run add-host '--add-host mirror:192.0.2.1' 'with -- cat /etc/hosts' '192.0.2.1*mirror*' '--add-host 192.0.2.1' \
	'not an IPv4 or IPv6 address'
row run no-hosts --no-hosts 'with -- sh -c "grep -qs sandbox /etc/hosts || echo untouched"' untouched --no-hosts=2 "$boolean"

# --- run: limits and security ------------------------------------------------------------------------------------------

row run ulimit '--ulimit nofile=77' 'with -- sh -c "ulimit -n"' 77 '--ulimit files=1' files=1
row run cap-add '--cap-add NET_ADMIN' 'with -- ip link set lo mtu 1400 2>&1' '' '--cap-add MAGIC' MAGIC
row run cap-drop '--cap-drop ALL' 'with -- chown 1 /etc; echo $?' 1 '--cap-drop MAGIC' MAGIC
row run security-opt '--security-opt seccomp=unconfined' 'with -- grep Seccomp: /proc/self/status' '*0' \
	'--security-opt none' '"none"'
row run sysctl '--sysctl kernel.shmmni=77' 'with -- cat /proc/sys/kernel/shmmni' 77 '--sysctl kernel.panic=1' kernel.panic
row run require '--require read-only' 'with -- true 2>&1' '*E_REQUIRED*' '--require nonsense' '"nonsense"'
row run nesting --nesting 'with -- unshare -Ur echo nested' nested --nesting=2 "$boolean"

# --- run: limits ----------------------------------------------------------------------------------------------------------

# What the sandbox sees of its group; or, where there can be none, the refusal.
limit() {
	row run "$1" "$2" "with -- cat /sys/fs/cgroup/$3 2>&1" "@($4|*E_CGROUP_*|*E_LIMIT_UNAVAILABLE*)" "$5" "$6"
}

limit memory '-m 64m' memory.max 67108864 '--memory 1m' '6m at least'
limit memory-high '--memory-high 64m' memory.high 67108864 '--memory-high some' 'size such as'
limit memory-swap '-m 64m --memory-swap 96m' memory.swap.max 33554432 '-m 64m --memory-swap 32m' 'together'
limit cpus '--cpus 0.5' cpu.max '50000 100000' '--cpus 0' '0.01 at least'
limit cpu-weight '--cpu-weight 50' cpu.weight 50 '--cpu-weight 0' '1 to 10000'
limit cpu-shares '--cpu-shares 512' cpu.weight 20 '--cpu-shares 1' '2 to 262144'
limit cpuset-cpus '--cpuset-cpus 0' cpuset.cpus 0 '--cpuset-cpus 1-' 'list of numbers'
limit cpuset-mems '--cpuset-mems 0' cpuset.mems 0 '--cpuset-mems x' 'list of numbers'
limit pids-limit '--pids-limit 99' pids.max 99 '--pids-limit 1' '2 at least'
limit io-weight '--io-weight 50' 'io.*weight' '*default 50*' '--io-weight 0' '1 to 10000'
limit device-read-bps '--device-read-bps .:1m' io.max '* rbps=1048576 *' '--device-read-bps /dev/null' 'PATH:RATE'
limit device-write-bps '--device-write-bps .:1m' io.max '* wbps=1048576 *' '--device-write-bps :1m' 'PATH:RATE'
limit device-read-iops '--device-read-iops .:77' io.max '* riops=77 *' '--device-read-iops .:x' 'PATH:RATE'
limit device-write-iops '--device-write-iops .:77' io.max '* wiops=77*' '--device-write-iops .:x' 'PATH:RATE'
# A running sandbox is needed for more: test/integration/steer.bats.
change() {
	row update "$1" "$2" 'with no-such-sandbox 2>&1' '*E_SANDBOX_UNKNOWN*' "$3" "$4"
}

change memory '-m 64m' '--memory 1m' '6m at least'
change memory-high '--memory-high 64m' '--memory-high some' 'size such as'
change memory-swap '-m 64m --memory-swap 96m' '-m 64m --memory-swap 32m' 'together'
change cpus '--cpus 0.5' '--cpus 0' '0.01 at least'
change cpu-weight '--cpu-weight 50' '--cpu-weight 0' '1 to 10000'
change cpu-shares '--cpu-shares 512' '--cpu-shares 1' '2 to 262144'
change cpuset-cpus '--cpuset-cpus 0' '--cpuset-cpus 1-' 'list of numbers'
change cpuset-mems '--cpuset-mems 0' '--cpuset-mems x' 'list of numbers'
change pids-limit '--pids-limit 99' '--pids-limit 1' '2 at least'
change io-weight '--io-weight 50' '--io-weight 0' '1 to 10000'
change device-read-bps '--device-read-bps .:1m' '--device-read-bps /dev/null' 'PATH:RATE'
change device-write-bps '--device-write-bps .:1m' '--device-write-bps :1m' 'PATH:RATE'
change device-read-iops '--device-read-iops .:77' '--device-read-iops .:x' 'PATH:RATE'
change device-write-iops '--device-write-iops .:77' '--device-write-iops .:x' 'PATH:RATE'
row stats no-stream --no-stream 'with' '=SANDBOX*' --no-stream=2 "$boolean"
row stats json --json 'with' '\[*\]' --json=2 "$boolean"
row run cgroup-parent '--cgroup-parent /no/such/group' 'with -- true 2>&1' '*E_CGROUP_MISSING*' \
	'--cgroup-parent /no/such/group' '/no/such/group'
row run limits '--limits best-effort' 'with --dry-run --cgroups none -m 64m -- true' '*sampled*' '--limits soft' 'best-effort'
row run cgroups '--cgroups none' 'with --dry-run --memory-high 64m -- true 2>&1' '*--cgroups none*' '--cgroups all' 'auto, systemd'

# --- run: seeing -----------------------------------------------------------------------------------------------------------

row run profile '--profile ./other' 'with -- hostname' configured '--profile none' 'no profile none'
row run summary '--summary=receipt' 'with -- true; head -n 2 receipt' '*"cause": "exit",' '--summary=/no/such/folder' /no/such/folder
row run dry-run --dry-run 'with -- echo ran' '*namespaces*' --dry-run=2 "$boolean"
row run json --json 'with --dry-run -- true' '{*}' --json=2 "$boolean"
