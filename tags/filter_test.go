package tags_test

import (
	"errors"
	"fmt"
	"testing"

	"firn/tags"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	app := set(t, "env_production", "db_app", "weekly")
	tests := map[string]struct {
		values []string
		want   bool
	}{
		"None":          {nil, true},
		"One":           {[]string{"db_app"}, true},
		"Other":         {[]string{"db_shop"}, false},
		"And":           {[]string{"db_app,weekly"}, true},
		"AndSpaces":     {[]string{" db_app , weekly"}, true},
		"AndNotAll":     {[]string{"db_app,manual"}, false},
		"Or":            {[]string{"manual", "weekly"}, true},
		"OrNone":        {[]string{"manual", "daily"}, false},
		"OrOfAnds":      {[]string{"db_app,manual", "env_production,weekly"}, true},
		"OrOfAndsNone":  {[]string{"db_app,manual", "env_demo,weekly"}, false},
		"NotAPrefix":    {[]string{"db_ap"}, false},
		"CaseSensitive": {[]string{"DB_app"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := tags.ParseFilter(tt.values)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Match(app); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got, want := f.Match(nil), len(tt.values) == 0; got != want {
				t.Errorf("no tags: got %v, want %v", got, want)
			}
		})
	}
}

func TestParseFilterRejects(t *testing.T) {
	t.Parallel()
	for _, values := range [][]string{{""}, {"a", ""}, {"a,"}, {","}, {"a\x00"}} {
		if f, err := tags.ParseFilter(values); !errors.Is(err, tags.ErrInvalid) || f != nil {
			t.Errorf("%q: got %q, %v, want ErrInvalid", values, f, err)
		}
	}
}

func ExampleParseFilter() {
	f, err := tags.ParseFilter([]string{"db_app,weekly", "manual"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f)
	fmt.Println(f.Match(tags.Set{"db_app", "env_production"}))
	fmt.Println(f.Match(tags.Set{"db_app", "env_production", "weekly"}))
	// Output:
	// db_app,weekly or manual
	// false
	// true
}
