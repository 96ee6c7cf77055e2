/* Prints the real and the effective user id: what a set-user-ID bit does. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	return printf("%u %u\n", getuid(), geteuid()) < 0;
}
