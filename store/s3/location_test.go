package s3_test

import (
	"strings"
	"testing"

	"firn/store/s3"
)

func TestParseLocation(t *testing.T) {
	t.Parallel()
	const minio = "http://127.0.0.1:9000/"
	tests := []struct {
		text, endpoint string
		want           s3.Location
		again          string // what String returns; "" if text
	}{
		{"s3://bucket", "", s3.Location{Bucket: "bucket"}, ""},
		{"s3://bucket/a/b", "", s3.Location{Bucket: "bucket", Prefix: "a/b"}, ""},
		{"s3://bucket/a/", "", s3.Location{Bucket: "bucket", Prefix: "a"}, "s3://bucket/a"},
		{"s3://bucket/a", minio, s3.Location{Endpoint: "127.0.0.1:9000", Plain: true, Bucket: "bucket", Prefix: "a"}, "s3:http://127.0.0.1:9000/bucket/a"},
		{"s3:https://host/bucket", minio, s3.Location{Endpoint: "host", Bucket: "bucket"}, ""},
		{"s3:https://host:9000/bucket/a.B_c", "", s3.Location{Endpoint: "host:9000", Bucket: "bucket", Prefix: "a.B_c"}, ""},
		{"s3:http://[::1]:9000/bucket", "", s3.Location{Endpoint: "[::1]:9000", Plain: true, Bucket: "bucket"}, ""},
		{"s3:host/bucket/a", "", s3.Location{Endpoint: "host", Bucket: "bucket", Prefix: "a"}, "s3:https://host/bucket/a"},
		{"s3:s3.amazonaws.com/bucket/a", "", s3.Location{Bucket: "bucket", Prefix: "a"}, "s3://bucket/a"},
	}
	for _, tt := range tests {
		got, err := s3.ParseLocation(tt.text, tt.endpoint)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.text, got, err, tt.want)
			continue
		}
		again := tt.again
		if again == "" {
			again = tt.text
		}
		if got.String() != again {
			t.Errorf("%s: got %q back, want %q", tt.text, got.String(), again)
		}
		if back, err := s3.ParseLocation(got.String(), ""); err != nil || back != got {
			t.Errorf("%s: what String returns is read as %+v, %v", tt.text, back, err)
		}
	}
}

func TestParseLocationErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/folder":                        "does not begin",
		"s3:":                            "host is missing",
		"s3://":                          "bucket is missing",
		"s3:https://host":                "bucket is missing",
		"s3:https://host/":               "bucket is missing",
		"s3:https:///bucket":             "host is missing",
		"s3:ftp://host/bucket":           "neither https nor http",
		"s3:https://key:secret@host/buc": "keys do not belong there",
		"s3:https://host/bucket/a//b":    "empty parts",
		"s3:https://host/bucket/a/../b":  "empty parts",
		"s3:https://host/bucket/.":       "empty parts",
		"s3:https://host/bucket?x":       "? and #",
		"s3:https://host/bucket#x":       "? and #",
		"s3:https://host:port/bucket":    "not a URL",
	} {
		got, err := s3.ParseLocation(text, "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %+v, %v, want an error with %q", text, got, err, want)
		}
		if err != nil && strings.Contains(text, "secret") && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the secret: %v", text, err)
		}
	}
}
