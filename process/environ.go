// Package process runs the commands of a configuration.
package process

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"firn/report"
)

// secret matches the names of variables that hold secrets: keys of the repository or its bucket, and other keys, since a
// service's environment has them together. A path to a secret counts as one. So do all variables of Amazon's tools, because
// their names do not show which ones are secret.
var secret = regexp.MustCompile(`(?i)^(AWS|MC_HOST)_|PASS|SECRET|TOKEN|CREDENTIAL|(^|_)KEY(_|$)|API_?KEY|KEYFILE|_PWD(_|$)|_AUTH$|AUTH_CONFIG|CONNECTION_STRING`)

// login matches values that are addresses with a password in them. The address of a proxy stays: without it, programs do not
// reach the network.
var login = regexp.MustCompile(`://[^/\s:@]*:[^/\s@]+@`)

// withoutSecrets returns the environment for the commands of a configuration, without variables that hold secrets. A command
// notifies a person or stops a service: neither the command nor its output needs the key of the repository. A command that
// needs a secret of its own can read it from a file.
//
// The password_command is run with all variables instead: the password store that it asks may need such secrets, and the
// command gets to know the repository's key anyway.
func withoutSecrets() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, value, _ := strings.Cut(v, "=")
		proxy := strings.HasSuffix(strings.ToLower(name), "_proxy")
		return secret.MatchString(name) || login.MatchString(value) && !proxy
	})
}

// VariableMost is the number of bytes to which a variable is cut. Linux starts no program with a variable of more than
// 128 KiB.
const VariableMost = 32 << 10

// Variable returns a variable for a command that will print it. The text is cut and cleaned, so that no text keeps the command
// from being run.
func Variable(name, text string) string {
	text = report.Clean(text)
	for len(text) > VariableMost || !utf8.ValidString(text) {
		text = text[:min(len(text)-1, VariableMost)]
	}
	return name + "=" + text
}
