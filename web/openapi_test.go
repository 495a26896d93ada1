package web_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/access"
	"firn/internal/sessiontest"
)

// description is the description of the API, with what its test needs.
type description struct {
	Paths      map[string]map[string]operation
	Components struct {
		Schemas   map[string]any
		Responses struct {
			Problem struct{ Content map[string]media }
		}
	}
}

type operation struct {
	Responses map[string]struct{ Content map[string]media }
}

type media struct{ Schema any }

// check returns the first departure of a value from a schema. A property that is not described is one, too.
func (d *description) check(at string, schema, value any) error {
	s := schema.(map[string]any)
	if len(s) == 0 {
		return nil // anything
	}
	if ref, ok := s["$ref"].(string); ok {
		named := d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
		if named == nil {
			return fmt.Errorf("%s: there is no %s", at, ref)
		}
		return d.check(at, named, value)
	}
	if some, ok := s["anyOf"].([]any); ok {
		var err error
		for _, one := range some {
			if err = d.check(at, one, value); err == nil {
				return nil
			}
		}
		return err
	}
	if got := typeOf(value); !allows(s["type"], got) {
		return fmt.Errorf("%s is %s, want %v", at, got, s["type"])
	}
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			if err := d.check(fmt.Sprintf("%s[%d]", at, i), s["items"], item); err != nil {
				return err
			}
		}
	case map[string]any:
		return d.checkObject(at, s, v)
	}
	return nil
}

// checkObject checks the properties of an object.
func (d *description) checkObject(at string, s, value map[string]any) error {
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := value[name.(string)]; !ok {
			return fmt.Errorf("%s lacks %v", at, name)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for name, v := range value {
		schema, ok := properties[name]
		if !ok {
			schema, ok = s["additionalProperties"]
		}
		if !ok {
			return fmt.Errorf("%s.%s is not described", at, name)
		}
		if err := d.check(at+"."+name, schema, v); err != nil {
			return err
		}
	}
	return nil
}

// typeOf returns the type of a value in JSON.
func typeOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
	}
	return "number"
}

// allows reports whether a type is among those of a schema.
func allows(types any, got string) bool {
	list, ok := types.([]any)
	if !ok {
		list = []any{types}
	}
	return slices.ContainsFunc(list, func(t any) bool { return t == got || t == "number" && got == "integer" })
}

// TestAnswersAreAsDescribed asks a server for everything that is described as JSON, and compares the answers, errors too, with their
// schemas.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "[env.other]\ndatabase = \"other.db\"\n")
	f.Exec(t, "CREATE TABLE n(a INTEGER PRIMARY KEY, b)", "INSERT INTO n VALUES (1, 'one'), (2, x'00')")
	f.BackUp(t, 1, time.Minute)
	f.Exec(t, "DELETE FROM n WHERE a = 1", "UPDATE n SET b = 2.5", "CREATE INDEX i ON n(b)")
	f.BackUp(t, 1, time.Minute)
	s := start(t, f, limits)
	token := s.token(t, access.Admin, "*")
	described := decode[description](t, second(s.get(t, "/api/v1/openapi.json", token)))
	asked := map[string]bool{}
	for _, tt := range []struct{ method, pattern, path, body string }{
		{"GET", "/api/v1/openapi.json", "", ""}, {"GET", "/api/v1/status", "", ""}, {"GET", "/api/v1/databases", "", ""}, {"GET", "/api/v1/snapshots", "", ""},
		{"GET", "/api/v1/databases/{env}", "/api/v1/databases/app", ""}, {"GET", "/api/v1/databases/{env}", "/api/v1/databases/none", ""},
		{"GET", "/api/v1/databases/{env}/snapshots", "/api/v1/databases/app/snapshots", ""}, {"GET", "/api/v1/snapshots/{ref}", "/api/v1/snapshots/latest:app", ""},
		{"GET", "/api/v1/snapshots/{ref}/rows", "/api/v1/snapshots/latest:app/rows?table=n", ""}, {"GET", "/api/v1/snapshots/{ref}/rows", "/api/v1/snapshots/latest:app/rows?table=t", ""},
		{"POST", "/api/v1/snapshots/{ref}/query", "/api/v1/snapshots/latest:app/query", `{"sql":"SELECT *, NULL FROM n"}`},
		{"POST", "/api/v1/snapshots/{ref}/query", "/api/v1/snapshots/latest:app/query", `{"sql":"nonsense"}`},
		{"GET", "/api/v1/databases/{env}/history", "/api/v1/databases/app/history?table=n&key=1", ""},
		{"GET", "/api/v1/databases/{env}/history", "/api/v1/databases/app/history?table=n", ""},
		{"POST", "/api/v1/databases/{env}/find", "/api/v1/databases/app/find", `{"sql":"SELECT count(*) < 2 FROM n"}`},
		{"POST", "/api/v1/databases/{env}/rows/restore", "/api/v1/databases/app/rows/restore", `{"snapshot":"latest:app","table":"n","keys":[],"mode":"insert"}`},
		{"GET", "/api/v1/work", "", ""},
		{"POST", "/api/v1/snapshots/{ref}/verify", "/api/v1/snapshots/latest:app/verify", ""},
		{"POST", "/api/v1/snapshots/{ref}/pin", "/api/v1/snapshots/latest:app/pin", `{"pinned":true}`},
		{"POST", "/api/v1/databases/{env}/restore", "/api/v1/databases/app/restore", `{"snapshot":"latest:app"}`},
		{"POST", "/api/v1/databases/{env}/restore", "/api/v1/databases/app/restore", `{"snapshot":"latest:app","fingerprint":"0"}`},
		{"POST", "/api/v1/databases/{env}/backup", "/api/v1/databases/app/backup", ""}, {"POST", "/api/v1/databases/{env}/backup", "/api/v1/databases/other/backup", ""},
	} {
		path := tt.path
		if path == "" {
			path = tt.pattern
		}
		if s.checkAnswer(t, &described, token, tt.method, tt.pattern, path, tt.body) == http.StatusOK {
			asked[tt.method+" "+tt.pattern] = true
		}
	}
	before, after := f.Catalog(t).All, "latest:app"
	ref := "/api/v1/snapshots/" + before[len(before)-1].ID.String() + "/diff/" + after
	const differs = "/api/v1/snapshots/{ref}/diff/{other}"
	for _, path := range []string{ref, ref + "?table=n"} {
		asked["GET "+differs] = s.checkAnswer(t, &described, token, "GET", differs, path, "") == http.StatusOK
	}
	plan := decode[struct{ Fingerprint string }](t, second(s.post(t, "/api/v1/databases/app/restore", token, `{"snapshot":"latest:app"}`)))
	s.checkAnswer(t, &described, token, "POST", "/api/v1/databases/{env}/restore", "/api/v1/databases/app/restore", `{"snapshot":"latest:app","fingerprint":"`+plan.Fingerprint+`"}`)
	jobs := decode[[]struct{ ID string }](t, second(s.get(t, "/api/v1/work", token)))
	for _, job := range jobs {
		asked["GET /api/v1/work/{id}"] = s.checkAnswer(t, &described, token, "GET", "/api/v1/work/{id}", "/api/v1/work/"+job.ID, "") == http.StatusOK
	}
	for pattern, operations := range described.Paths {
		for method, o := range operations {
			schema, isJSON := o.Responses["200"].Content["application/json"]
			if name := strings.ToUpper(method) + " " + pattern; isJSON && (!asked[name] || len(schema.Schema.(map[string]any)) == 0) {
				t.Errorf("%s has no schema, or this test does not ask for it", name)
			}
		}
	}
}

// checkAnswer asks, compares the answer with its schema, and returns the status.
func (s *stand) checkAnswer(t *testing.T, d *description, token, method, pattern, path, body string) (status int) {
	t.Helper()
	answer, text := s.do(t, method, path, body, append(bearer(token), "Content-Type", "application/json")...)
	content := d.Paths[pattern][strings.ToLower(method)].Responses["200"].Content
	if answer.StatusCode != http.StatusOK {
		content = d.Components.Responses.Problem.Content
	}
	kind := answer.Header.Get("Content-Type")
	schema, ok := content[kind]
	if !ok {
		t.Errorf("%s %s: an answer of the type %s is not described", method, path, kind)
		return answer.StatusCode
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	if err := d.check("answer", schema.Schema, value); err != nil {
		t.Errorf("%s %s: %v in %.500s", method, path, err, text)
	}
	return answer.StatusCode
}
