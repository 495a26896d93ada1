package process

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"firn/report"
)

// secret matches the names of variables that open something: the repository, its bucket,
// or, as they are in one service's environment, anything else. A path to a secret counts,
// and so do all variables of Amazon's tools, whose names do not tell.
var secret = regexp.MustCompile(`(?i)^(AWS|MC_HOST)_|PASS|SECRET|TOKEN|CREDENTIAL|(^|_)KEY(_|$)|API_?KEY|KEYFILE|_PWD(_|$)|_AUTH$|AUTH_CONFIG|CONNECTION_STRING`)

// login matches values that are addresses with a password in them. A proxy's stays: without
// it, programs do not get out.
var login = regexp.MustCompile(`://[^/\s:@]*:[^/\s@]+@`)

// withoutSecrets returns the environment for the commands of a configuration. A command
// notifies somebody or stops a service, and none of its programs and their reports has any
// use for what opens the repository. One that needs a secret of its own can read it from a file.
//
// password_command is the exception: what it asks for the password wants to be asked
// with such secrets, and it is given the repository's own key anyway.
func withoutSecrets() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, value, _ := strings.Cut(v, "=")
		proxy := strings.HasSuffix(strings.ToLower(name), "_proxy")
		return secret.MatchString(name) || login.MatchString(value) && !proxy
	})
}

// VariableMost is how many bytes of a text a variable gets: the system starts no program
// with one of more than 128 KiB.
const VariableMost = 32 << 10

// Variable returns a variable for a command, which will print it. A text that cannot be
// one must not keep the command from being run.
func Variable(name, text string) string {
	text = report.Clean(text)
	for len(text) > VariableMost || !utf8.ValidString(text) {
		text = text[:min(len(text)-1, VariableMost)]
	}
	return name + "=" + text
}
