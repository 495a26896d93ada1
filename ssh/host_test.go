package ssh_test

import (
	"testing"

	"firn/ssh"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]struct {
		host ssh.Host
		path string
	}{
		"ssh://db1/srv/app.db":               {ssh.Host{Name: "db1"}, "srv/app.db"},
		"ssh://app@db1:2222//srv/a b%20c.db": {ssh.Host{Name: "app@db1", Port: 2222}, "/srv/a b c.db"},
		"ssh://me@corp@db1/x":                {ssh.Host{Name: "me@corp@db1"}, "x"},
		"ssh://app@[fe80::1]:22/x":           {ssh.Host{Name: "app@fe80::1", Port: 22}, "x"},
		"ssh://[::1]/x":                      {ssh.Host{Name: "::1"}, "x"},
		"ssh://app@db1/~/x":                  {ssh.Host{Name: "app@db1"}, "~/x"},
	} {
		host, path, err := ssh.ParseURL("ssh", location)
		if err != nil || host != want.host || path != want.path {
			t.Errorf("%s: got %+v, %q, %v, want %+v", location, host, path, err, want)
		}
		again, err := ssh.ParseHost(host.String())
		if err != nil || again != host {
			t.Errorf("%s: %q is read as %+v, %v", location, host, again, err)
		}
	}
	for _, location := range []string{
		"ssh://", "ssh://db1", "ssh://db1/", "ssh:///srv", "ssh://@db1/x", "ssh://-oProxyCommand=x/y", "ssh://a@-oProxyCommand=x/y", "ssh://db1:0/x", "ssh://db1:port/x",
		"ssh://db1:99999/x", "ssh://app:secret@db1/x", "ssh://db 1/x", "ssh://db1;id/x", "ssh://$(id)/x", "ssh://db1/a\nb", "ssh://db1/a%00b", "ssh://db1/a%zz", "sftp://db1/x",
	} {
		if host, path, err := ssh.ParseURL("ssh", location); err == nil {
			t.Errorf("%s: got %+v, %q, want an error", location, host, path)
		}
	}
}
