# For the worlds: the two ways to become the ordinary user. Both end in a session keyring with the user's own in
# it, as a login has it.
# shellcheck shell=bash

variables=SANDBOX_WORLD,SANDBOX_FIXTURES,SANDBOX_TRIALS,B,LANG

# Through PAM: a session of systemd-logind, which starts the user manager.
login() {
	exec su --login --whitelist-environment="$variables" tester \
		--command "cd ${PWD@Q} && exec test/scripts/with-session-keyring ${*@Q}"
}

# By the system calls alone: no session, no manager, no bus, and the cgroup stays.
become_user() {
	exec env -i HOME=/home/tester USER=tester LOGNAME=tester SHELL=/bin/bash PATH=/usr/local/bin:/usr/bin:/bin \
		LANG="$LANG" B="$B" SANDBOX_WORLD="$SANDBOX_WORLD" SANDBOX_FIXTURES="$SANDBOX_FIXTURES" \
		SANDBOX_TRIALS="$SANDBOX_TRIALS" \
		setpriv --reuid=tester --regid=tester --init-groups --inh-caps=-all \
		test/scripts/with-session-keyring "$@"
}
