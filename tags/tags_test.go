package tags_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"firn/tags"

	"pgregory.net/rapid"
)

func set(t testing.TB, list ...string) tags.Set {
	t.Helper()
	s, err := tags.New(list...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"a", "db_app", "pre-restore", "env_production", "two words", "größe", "a=b:c", strings.Repeat("x", 128)} {
		if err := tags.Check(tag); err != nil {
			t.Errorf("%q: %v", tag, err)
		}
	}
	for name, tag := range map[string]string{
		"Empty": "", "Comma": "a,b", "Newline": "a\nb", "Escape": "\x1b[2J", "Delete": "a\x7f", "C1": "a\u0085b", "NUL": "a\x00",
		"LeadingSpace": " a", "TrailingSpace": "a ", "Space": " ", "NoBreakSpace": "a\u00a0", "NotUTF8": "\xff",
		"TooLong": strings.Repeat("x", 129), "TooLongInBytes": strings.Repeat("ö", 65),
	} {
		t.Run(name, func(t *testing.T) {
			if err := tags.Check(tag); !errors.Is(err, tags.ErrInvalid) {
				t.Errorf("%q: got %v, want ErrInvalid", tag, err)
			} else if msg := err.Error(); !utf8.ValidString(msg) || strings.ContainsFunc(msg, unicode.IsControl) || len(msg) > 100 {
				t.Errorf("message not fit for a terminal: %q", err)
			}
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	in := []string{"c", "a", "b", "a"}
	if got, want := set(t, in...), (tags.Set{"a", "b", "c"}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if in[0] != "c" {
		t.Error("New changed its argument")
	}
	if got := set(t); len(got) != 0 {
		t.Errorf("got %q, want none", got)
	}
	if _, err := tags.New("a", "b,c"); !errors.Is(err, tags.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	if got, want := tags.Environment("production"), "env_production"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := tags.Database("app"), "db_app"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a": "a", "b,a": "a,b", " b , a ,b": "a,b", "two words": "two words"} {
		if got, err := tags.Parse(in); err != nil || got.String() != want {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", " ", ",", "a,", "a,,b"} {
		if got, err := tags.Parse(in); !errors.Is(err, tags.ErrInvalid) {
			t.Errorf("%q: got %q, %v, want ErrInvalid", in, got, err)
		}
	}
}

func TestAddRemove(t *testing.T) {
	t.Parallel()
	s := set(t, "a", "c")
	more, err := s.Add("b", "c", "b")
	if err != nil || more.String() != "a,b,c" {
		t.Errorf("add: got %q, %v", more, err)
	}
	less := more.Remove("a", "x", "c")
	if less.String() != "b" {
		t.Errorf("remove: got %q", less)
	}
	if s.String() != "a,c" || more.String() != "a,b,c" {
		t.Errorf("changed the sets: %q, %q", s, more)
	}
	if _, err := s.Add(""); !errors.Is(err, tags.ErrInvalid) {
		t.Errorf("add: got %v, want ErrInvalid", err)
	}
	var none tags.Set
	if got := none.Remove("a"); len(got) != 0 {
		t.Errorf("remove: got %q", got)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]tags.Set{`[]`: nil, `["a","b"]`: {"a", "b"}} {
		b, err := json.Marshal(s)
		if err != nil || string(b) != want {
			t.Errorf("marshal: got %s, %v, want %s", b, err, want)
		}
		var got tags.Set
		if err := json.Unmarshal(b, &got); err != nil || !slices.Equal(got, s) {
			t.Errorf("unmarshal %s: got %q, %v", b, got, err)
		}
	}
	var got tags.Set
	if err := json.Unmarshal([]byte(`["b","a","b"]`), &got); err != nil || got.String() != "a,b" {
		t.Errorf("unmarshal: got %q, %v", got, err)
	}
	for _, in := range []string{`[""]`, `["a,b"]`, `"a"`, `[1]`, `{}`} {
		if err := json.Unmarshal([]byte(in), new(tags.Set)); err == nil {
			t.Errorf("unmarshal %s: got no error", in)
		}
	}
}

func TestSetProperties(t *testing.T) {
	t.Parallel()
	names := rapid.SliceOf(rapid.StringMatching(`[a-z]{1,2}`))
	rapid.Check(t, func(t *rapid.T) {
		a, b := names.Draw(t, "a"), names.Draw(t, "b")
		s, err := tags.New(a...)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := s.Add(b...)
		if err != nil || !slices.IsSorted(sum) || !sum.HasAll(s) || !sum.HasAll(b) {
			t.Fatalf("%q + %q = %q, %v", s, b, sum, err)
		}
		for _, tag := range b {
			if sum.Remove(b...).Has(tag) {
				t.Fatalf("%q still there", tag)
			}
		}
		if len(s) > 0 {
			if parsed, err := tags.Parse(s.String()); err != nil || !slices.Equal(parsed, s) {
				t.Fatalf("parse %q: got %q, %v", s.String(), parsed, err)
			}
		}
	})
}
