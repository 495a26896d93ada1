package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"firn/host"
	"firn/store"
	"firn/store/s3"
)

// TestCredentials offers credentials at all places, and checks that the first place counts.
func TestCredentials(t *testing.T) { // not parallel, because it sets variables
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	var seen string
	server := httptest.NewServer(dated(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/role" {
			fmt.Fprint(w, `{"AccessKeyId":"from-role","SecretAccessKey":"x","Token":"t","Expiration":"2100-01-01T00:00:00Z"}`)
			return
		}
		_, after, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		seen, _, _ = strings.Cut(after, "/")
	}))
	t.Cleanup(server.Close)
	location, err := s3.ParseLocation("s3:"+server.URL+"/bucket", "")
	if err != nil {
		t.Fatal(err)
	}
	want := func(opts s3.Options, key string) {
		t.Helper()
		opts.Location = location
		s := open(t, opts)
		if _, err := s.Get(t.Context(), "meta/a", 0, -1); err != nil || seen != key {
			t.Errorf("got %q, %v, want the key %q", seen, err, key)
		}
	}

	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL+"/role")
	want(s3.Options{}, "from-role")

	file := filepath.Join(t.TempDir(), "credentials")
	text := "[default]\naws_access_key_id = from-file\naws_secret_access_key = x\n[other]\naws_access_key_id = from-profile\naws_secret_access_key = x\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	want(s3.Options{}, "from-file")
	t.Setenv("AWS_PROFILE", "other")
	want(s3.Options{}, "from-profile")

	t.Setenv("AWS_ACCESS_KEY_ID", "from-variable")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	want(s3.Options{}, "from-variable")
	want(s3.Options{AccessKey: "from-options", SecretKey: "x"}, "from-options")
}

func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, err := s3.Open(t.Context(), s3.Options{Location: s3.Location{Bucket: "bucket"}})
	if !errors.Is(err, store.ErrCredentials) {
		t.Errorf("got %v, want store.ErrCredentials", err)
	}
}

// TestCredentialsOfOthers checks that a command in the files of Amazon's tools does not run if
// another user could have written it.
func TestCredentialsOfOthers(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
		"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	home := t.TempDir()
	t.Setenv("HOME", home)
	ran := filepath.Join(home, "ran")
	folder := filepath.Join(home, ".aws")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	open := func() error {
		_, err := s3.Open(t.Context(), s3.Options{Location: s3.Location{Bucket: "bucket"}})
		return err
	}
	for _, name := range []string{"config", "credentials"} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("[default]\ncredential_process = touch "+ran+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, writable := range []string{path, folder} {
			if err := os.Chmod(writable, 0o777); err != nil {
				t.Fatal(err)
			}
			if _, untrusted := errors.AsType[*host.UntrustedError](open()); runtime.GOOS != "windows" && !untrusted {
				t.Errorf("%s: want an UntrustedError", writable)
			}
			if err := os.Chmod(writable, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := os.Stat(ran); err == nil {
			t.Errorf("the command of %s has run", name)
		}
		if err := open(); !errors.Is(err, store.ErrCredentials) { // the command prints none
			t.Errorf("got %v, want store.ErrCredentials", err)
		}
		if _, err := os.Stat(ran); err != nil {
			t.Errorf("the command of %s has not run: %v", name, err)
		}
		for _, done := range []string{path, ran} {
			if err := os.Remove(done); err != nil {
				t.Fatal(err)
			}
		}
	}
}
