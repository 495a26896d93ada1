package web_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// themes reads the colours of the style: those of light, and those of dark, which override them.
func themes(t *testing.T) map[string]map[string]string {
	t.Helper()
	css, err := os.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, ok := strings.Cut(string(css), "@media (prefers-color-scheme: dark) {")
	if !ok {
		t.Fatal("the style has no dark colours")
	}
	dark, _, _ := strings.Cut(rest, "}\n}")
	found := map[string]map[string]string{"light": {}, "dark": {}}
	variable := regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{6});`)
	for _, m := range variable.FindAllStringSubmatch(light, -1) {
		found["light"][m[1]], found["dark"][m[1]] = m[2], m[2]
	}
	for _, m := range variable.FindAllStringSubmatch(dark, -1) {
		found["dark"][m[1]] = m[2]
	}
	return found
}

// luminance is the relative luminance of WCAG 2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || len(colour) != 7 {
		t.Fatalf("%q is no colour", colour)
	}
	linear := func(part uint64) float64 {
		v := float64(part&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}

// contrast is the ratio of WCAG 2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a)+0.05, luminance(t, b)+0.05
	return max(x, y) / min(x, y)
}

func TestContrast(t *testing.T) {
	t.Parallel()
	if got := contrast(t, "#000000", "#ffffff"); math.Abs(got-21) > 0.001 {
		t.Fatalf("black on white: got %v, want 21", got)
	}
	const text, part = 4.5, 3.0 // what WCAG AA asks of text, and of parts of pictures
	for name, theme := range themes(t) {
		for _, pair := range []struct {
			colours string
			on      string
			least   float64
		}{
			{"ink dim link good warn bad", "ground", text},
			{"ink dim link good warn bad", "raised", text},
			{"ink dim link good warn bad", "faint", text}, // a row under the pointer, and notices
			{"ink dim", "quiet-ground", text},
			{"good", "good-ground", text}, {"warn", "warn-ground", text}, {"bad", "bad-ground", text},
			{"ground", "link", text}, {"ground", "good", text}, {"ground", "bad", text}, // buttons, and the sign of the sentence
			{"bar good warn bad ink", "ground", part}, {"bar ink link", "area", part}, {"dim", "raised", part}, // marks, curves, edges of fields
		} {
			for _, colour := range strings.Fields(pair.colours) {
				if theme[colour] == "" || theme[pair.on] == "" {
					t.Fatalf("%s: the style lacks %s or %s", name, colour, pair.on)
				}
				if got := contrast(t, theme[colour], theme[pair.on]); got < pair.least {
					t.Errorf("%s: %s on %s: got %.2f, want %.1f", name, colour, pair.on, got, pair.least)
				}
			}
		}
	}
}
