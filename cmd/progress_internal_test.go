package cmd

import (
	"bytes"
	"testing"
	"time"

	"firn/session"
)

func TestBarLine(t *testing.T) {
	t.Parallel()
	const MiB = 1 << 20
	for _, tt := range []struct {
		name     string
		n, total int64
		rate     float64
		width    int
		want     string
	}{
		{"Wide", 128 * MiB, 512 * MiB, 64 * MiB, 119, "production  [==========                              ]   25%  128.0 MiB of 512.0 MiB  64.0 MiB/s  6s left"},
		{"Usual", 128 * MiB, 512 * MiB, 64 * MiB, 79, "production  [===           ]   25%  128.0 MiB of 512.0 MiB  64.0 MiB/s  6s left"},
		{"NoRoomForBar", 128 * MiB, 512 * MiB, 64 * MiB, 70, "production   25%  128.0 MiB of 512.0 MiB  64.0 MiB/s  6s left"},
		{"Narrow", 128 * MiB, 512 * MiB, 64 * MiB, 39, "production   25%  64.0 MiB/s  6s left"},
		{"Narrower", 128 * MiB, 512 * MiB, 64 * MiB, 26, "production   25%  6s left"},
		{"Tiny", 128 * MiB, 512 * MiB, 64 * MiB, 5, " 25%"},
		{"Done", 512 * MiB, 512 * MiB, 64 * MiB, 60, "production  100%  512.0 MiB of 512.0 MiB  64.0 MiB/s"},
		{"MoreThanAll", 513 * MiB, 512 * MiB, 64 * MiB, 60, "production  100%  513.0 MiB of 512.0 MiB  64.0 MiB/s"},
		{"TotalNotKnown", 128 * MiB, 0, 64 * MiB, 79, "production  128.0 MiB  64.0 MiB/s"},
		{"TotalNotKnownNarrow", 128 * MiB, 0, 64 * MiB, 21, "production  128.0 MiB"},
		{"Stalled", 128 * MiB, 512 * MiB, 0, 60, "production   25%  128.0 MiB of 512.0 MiB  0 B/s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := barLine("production", tt.n, tt.total, tt.rate, tt.width)
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if len(got) > tt.width {
				t.Errorf("%d characters, want at most %d", len(got), tt.width)
			}
		})
	}
}

func TestRemaining(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]string{0.2: "1s", 59.5: "1m0s", 3700: "1h2m", 1e300: "years"} {
		if got := remaining(seconds); got != want {
			t.Errorf("%v s: got %q, want %q", seconds, got, want)
		}
	}
}

// TestBar checks that a bar is drawn at most ten times a second, is not drawn for
// short work, and is cleared before other lines.
func TestBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(0, 0)
	c := &cli{stderr: newScreen(&out), program: &session.Caller{Now: func() time.Time { return now }}}
	b := c.newBar("read", 1000)
	c.bar.Store(b)
	steps := []struct {
		after time.Duration
		n     int64
		want  string
	}{
		{400 * time.Millisecond, 400, ""},
		{200 * time.Millisecond, 600, "\rread"},
		{10 * time.Millisecond, 610, ""},
		{100 * time.Millisecond, 700, "\rread"},
	}
	for _, s := range steps {
		out.Reset()
		now = now.Add(s.after)
		b.Set(s.n)
		if got := out.String(); (got != "") != (s.want != "") || !bytes.HasPrefix(out.Bytes(), []byte(s.want)) {
			t.Errorf("at %d: got %q, want %q", s.n, got, s.want)
		}
	}
	out.Reset()
	c.warn("a disk is slow")
	c.warn("it is")
	b.Done()
	if got, want := out.String(), "\r\x1b[Kfirn: warning: a disk is slow\nfirn: warning: it is\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var none *bar // a bar without a terminal is nil
	none.Set(1)
	none.SetTotal(1, 2)
	none.Done()
}

// TestPace checks that the rate forgets a slow beginning, and starts anew when a new
// step does.
func TestPace(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	p := pace{at: now}
	var n int64
	step := func(bytes int64) {
		now, n = now.Add(time.Second), n+bytes
		p.add(n, now)
	}
	for range 10 {
		step(100)
	}
	if p.rate < 99 || p.rate > 101 {
		t.Errorf("rate: got %v, want 100", p.rate)
	}
	for range 30 {
		step(1000)
	}
	if p.rate < 990 || p.rate > 1000 {
		t.Errorf("rate after 30 s at 1000: got %v", p.rate)
	}
	n = 0
	step(50)
	if p.rate != 50 {
		t.Errorf("rate of a new beginning: got %v, want 50", p.rate)
	}
}
