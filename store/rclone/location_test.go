package rclone_test

import (
	"strings"
	"testing"

	"firn/store/rclone"
)

func TestParseLocation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]rclone.Location{
		"rclone:box:firn":                              {Remote: "box:", Path: "firn"},
		"rclone:box:":                                  {Remote: "box:"},
		"rclone:box:/":                                 {Remote: "box:", Path: "/"},
		"rclone:box:///":                               {Remote: "box:", Path: "/"},
		"rclone:box:/srv/firn//":                       {Remote: "box:", Path: "/srv/firn"},
		"rclone:My Drive:My Files/a  b":                {Remote: "My Drive:", Path: "My Files/a  b"},
		"rclone:box:a/../b/./c":                        {Remote: "box:", Path: "a/../b/./c"},
		"rclone:box:a:b":                               {Remote: "box:", Path: "a:b"},
		"rclone:box,shared_with_me:x":                  {Remote: "box,shared_with_me:", Path: "x"},
		"rclone::local:/srv/firn":                      {Remote: ":local:", Path: "/srv/firn"},
		"rclone::sftp,host=example.org:firn":           {Remote: ":sftp,host=example.org:", Path: "firn"},
		"rclone::webdav,url='http://a:8/x':y":          {Remote: ":webdav,url='http://a:8/x':", Path: "y"},
		"rclone::webdav,url='it''s:':y":                {Remote: ":webdav,url='it''s:':", Path: "y"},
		`rclone::webdav,url="http://a:8/'x":y`:         {Remote: `:webdav,url="http://a:8/'x":`, Path: "y"},
		"rclone:b\u00fcro:\u65e5\u672c/\u8a9e e\u0301": {Remote: "b\u00fcro:", Path: "\u65e5\u672c/\u8a9e e\u0301"},
	} {
		got, err := rclone.ParseLocation(text)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
		again, err := rclone.ParseLocation(got.String())
		if err != nil || again != got {
			t.Errorf("%q: its String %q is read as %+v, %v", text, got.String(), again, err)
		}
	}
}

func TestParseLocationRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"rclone:":                   "rclone:REMOTE:PATH",
		"rclone::":                  "rclone:REMOTE:PATH",
		"rclone:::x":                "the remote is missing",
		"rclone:,a=b:x":             "the remote is missing",
		"rclone:box":                "the colon behind the remote is missing",
		"rclone::sftp,host=x":       "the colon behind the remote is missing",
		"rclone::webdav,url='a:b":   "the colon behind the remote is missing",
		"rclone:/srv/firn:x":        "no remote can have the name",
		"rclone://user@host:22/srv": "no remote can have the name",
		"rclone:box:a\nb":           "control characters",
		"rclone:box:a\x00b":         "control characters",
		"s3:box:x":                  "does not begin with",
	} {
		got, err := rclone.ParseLocation(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v, want an error with %q", text, got, err, want)
		}
	}
}

// FuzzParseLocation checks that an accepted location has one spelling, and loses nothing but slashes at its end.
func FuzzParseLocation(f *testing.F) {
	for _, text := range []string{"rclone:box:firn", "rclone::sftp,host='a:b':x//", "rclone:a,b=\"c\"\"d\":/"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := rclone.ParseLocation(text)
		if err != nil {
			return
		}
		if again, err := rclone.ParseLocation(l.String()); err != nil || again != l {
			t.Errorf("%q is read as %+v, and %q as %+v, %v", text, l, l.String(), again, err)
		}
		if strings.TrimRight(l.String(), "/") != strings.TrimRight(text, "/") {
			t.Errorf("%q became %q", text, l.String())
		}
	})
}
