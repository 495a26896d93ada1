package sftp_test

import (
	"strings"
	"testing"

	"firn/store/sftp"
)

func TestParseLocation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sftp:backup@db1:/srv/firn":            "sftp:backup@db1:/srv/firn",
		"sftp:db1:/srv/firn/":                  "sftp:db1:/srv/firn",
		"sftp:db1:srv//firn":                   "sftp:db1:srv/firn",
		"sftp:db1:~/firn":                      "sftp:db1:firn",
		"sftp:db1:./firn":                      "sftp:db1:firn",
		"sftp:db1:/with space":                 "sftp:db1:/with space",
		"sftp:db1:/50%":                        "sftp:db1:/50%",
		"sftp:db1:/a:b@c":                      "sftp:db1:/a:b@c",
		"sftp://db1//srv/firn":                 "sftp:db1:/srv/firn",
		"sftp://db1/firn":                      "sftp:db1:firn",
		"sftp://db1/with%20space":              "sftp:db1:with space",
		"sftp://backup@db1:2222//srv/firn":     "sftp://backup@db1:2222//srv/firn",
		"sftp://backup@db1:2222/with%20space":  "sftp://backup@db1:2222/with%20space",
		"sftp:[::1]:/srv":                      "sftp:[::1]:/srv",
		"sftp:backup@[fe80::1]:srv":            "sftp:backup@[fe80::1]:srv",
		"sftp://backup@[::1]:2222//srv":        "sftp://backup@[::1]:2222//srv",
		"sftp:u1.example@host.example.org:/x":  "sftp:u1.example@host.example.org:/x",
		"sftp://domain@user@db1:2222//srv/a?b": "sftp://domain@user@db1:2222//srv/a%3Fb",
	} {
		l, err := sftp.ParseLocation(text)
		if err != nil || l.String() != want {
			t.Errorf("%s: got %s, %v, want %s", text, l, err, want)
		}
	}
}

func TestParseLocationRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sftp:db1":                    "the path on the host is missing",
		"sftp:db1:":                   "the path on the host is missing",
		"sftp://db1":                  "the path on the host is missing",
		"sftp://db1/":                 "the path on the host is missing",
		"sftp:/srv/firn":              "the path on the host is missing",
		"sftp::/srv":                  "names no host",
		"sftp:@db1:/srv":              "names no host",
		"sftp:-oProxyCommand=x:/srv":  "option",
		"sftp:a@-oProxyCommand=x:/":   "option",
		"sftp:db1;reboot:/srv":        "character",
		"sftp:db1:/srv/../etc":        ".. does not belong there",
		"sftp:db1:../firn":            ".. does not belong there",
		"sftp:db1:~root/firn":         "folders of other users",
		"sftp:db1:/a\nb":              "line break",
		"sftp://db1/%zz":              "%25",
		"sftp://db1:99999//srv":       "no port",
		"sftp:user:secret@db1:/srv":   "a password cannot stand in a location",
		"sftp://user:secret@db1//srv": "a password cannot stand in a location",
		"s3:db1:/srv":                 "does not begin",
	} {
		_, err := sftp.ParseLocation(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v shows the password", text, err)
		}
	}
}

// FuzzParseLocation checks that the spelling of a location is stable: caches and locks are named by it.
func FuzzParseLocation(f *testing.F) {
	for _, text := range []string{"sftp:a@b:/c", "sftp://a@b:22//c%20d", "sftp:[::1]:x", "sftp:a:b:c@d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := sftp.ParseLocation(text)
		if err != nil {
			return
		}
		again, err := sftp.ParseLocation(l.String())
		if err != nil || again != l {
			t.Errorf("%q: %q is read as %+v, %v, want %+v", text, l, again, err, l)
		}
	})
}
