# The payload's variables, working directory and host name come from the documented list only.

load helper

@test "nothing of the host's environment arrives" {
	SECRET_TOKEN=hunter2 LD_PRELOAD='' HTTP_PROXY=x run_busybox -- env
	assert_status 0
	assert_output_lacks hunter2
	assert_output_lacks SECRET_TOKEN
	assert_output_lacks HTTP_PROXY
	assert_output_lacks XDG_
	# Control: they are variables.
	assert_output_has PATH=
}

@test "what is there by default: PATH, HOME and HOSTNAME; on a terminal also TERM" {
	TERM=vt100 run_busybox -- /bin/busybox env
	assert_status 0
	[ "$(cut -d = -f 1 <<<"$output" | sort | xargs)" = 'HOME HOSTNAME PATH' ] || fail_with "another set"
	TERM=vt100 capture script -qec "$SANDBOX run $BUSYBOX_TAR /bin/busybox env" /dev/null
	[ "$(grep -oE '[A-Z]+=' <<<"$output" | sort | xargs)" = 'HOME= HOSTNAME= PATH= TERM=' ] || fail_with "another set"
	assert_output_has 'HOME=/root'
	assert_output_has 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
}

@test "-e sets a variable, the last one wins" {
	run_busybox -e A=1 -e 'B=two words=x' -e A=3 -e EMPTY= -- sh -c 'echo "$A|$B|$EMPTY|${EMPTY+set}"'
	assert_success '3|two words=x||set'
}

@test "-e NAME takes the value from here, and nothing when there is none" {
	FROM_HERE=yes run_busybox -e FROM_HERE -e NOT_THERE -- sh -c 'echo "$FROM_HERE|${NOT_THERE-unset}"'
	assert_success 'yes|unset'
}

@test "--env-file sets what the file lists, and -e overrides it" {
	printf '# comment\n\nA=1\nB=two words\nFROM_HERE\n' >"$BATS_TEST_TMPDIR/list"
	FROM_HERE=yes run_busybox --env-file "$BATS_TEST_TMPDIR/list" -e A=9 -- sh -c 'echo "$A|$B|$FROM_HERE"'
	assert_success '9|two words|yes'
}

@test "an --env-file that is missing is an error" {
	run_busybox --env-file /no/such/file -- true
	assert_status 125
	assert_stderr_has /no/such/file
}

@test "HOME is the user's" {
	run_busybox -u user -- sh -c 'echo "$HOME"'
	assert_success /home/user
}

@test "the working directory is / unless -w names one" {
	run_busybox -- pwd
	assert_success /
	run_busybox -w /var/log -- pwd
	assert_success /var/log
}

@test "-w makes a folder that is missing" {
	run_busybox -w /work/a/b -- sh -c 'pwd; echo x >file && cat file'
	assert_success $'/work/a/b\nx'
}

@test "-w that is not a folder is an error" {
	run_busybox -w /etc/passwd -- true
	assert_status 125
	assert_stderr_has /etc/passwd
}

@test "the host name is sandbox, --name's or -h's, and resolves" {
	run_busybox -- sh -c 'hostname; echo "$HOSTNAME"; grep -cw sandbox /etc/hosts'
	assert_success $'sandbox\nsandbox\n1'
	run_busybox --rm --name box -- hostname
	assert_success box
	run_busybox --rm --name box -h other -- hostname
	assert_success other
}

@test "a host name with other bytes than a host name's is refused" {
	run_busybox -h 'a b' -- true
	assert_error '--hostname "a b"'
	run_busybox -h "$(printf '%070d' 0)" -- true
	assert_error 'a host name is 1 to 64'
}

@test "the image is not changed by hosts, hostname and resolv.conf" {
	run_busybox -- sh -c 'ls /etc/hosts /etc/hostname /etc/resolv.conf'
	assert_status 0
	capture find "$XDG_CACHE_HOME/sandbox/layers" -path '*/etc/hosts' -o -path '*/etc/hostname' -o -path '*/etc/resolv.conf'
	assert_success ''
}
