package svg_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"firn/internal/svg"
)

func draw(texts ...string) string {
	d := svg.New("Title <&>", 200, 100)
	d.Line(svg.Point{X: 1, Y: 2}, svg.Point{X: 3.25, Y: 4}, svg.Pale)
	for i, text := range texts {
		d.Text(svg.Point{X: 5, Y: float64(i)}, "end", text)
	}
	d.Curve(1, svg.Point{X: 1, Y: 1}, svg.Point{X: 2, Y: 2})
	d.Curve(len(svg.Colours), svg.Point{X: 3, Y: 3})
	return d.End()
}

func TestDrawing(t *testing.T) {
	t.Parallel()
	got := draw("a")
	for _, want := range []string{
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100"`, "<title>Title &lt;&amp;&gt;</title>",
		`<line x1="1.0" y1="2.0" x2="3.2" y2="4.0" stroke="#ddd"/>`, `<text x="5.0" y="0.0" text-anchor="end">a</text>`,
		`stroke="` + svg.Colours[1] + `" stroke-width="2" points="1.0,1.0 2.0,2.0 "`,
		`stroke="` + svg.Colours[0] + `" stroke-width="2" stroke-dasharray="6 4" points="3.0,3.0 "`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %s in\n%s", want, got)
		}
	}
}

func TestIsXMLWhateverIsWritten(t *testing.T) {
	t.Parallel()
	dec := xml.NewDecoder(strings.NewReader(draw(`<script>"'&`, "\x00\x1b[31m\r\n", "\xff\xfe", "\u202e\ufffe", "\U0001f642")))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
			t.Error("a text has become an element")
		}
	}
}
