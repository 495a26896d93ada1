package web

import (
	"reflect"
	"regexp"
	"strings"

	"firn/access"
	"firn/answer"
	"firn/web/change"
	"firn/web/openapi"
	"firn/web/work"
)

// object is an object in JSON.
type object = openapi.Object

// shape says what a call of the API takes and gives, beside what the table of routes has.
type shape struct {
	query   string         // the names of its parameters
	body    reflect.Type   // nil for none
	answers []reflect.Type // one of which is the answer
}

// jsonOf returns the type of an answer in JSON.
func jsonOf[T any]() []reflect.Type { return []reflect.Type{reflect.TypeFor[T]()} }

// shapes returns the shapes of calls by method and pattern. A call without parameters, body and JSON has none.
func shapes() map[string]shape {
	return map[string]shape{
		"GET /api/v1/openapi.json":                  {answers: jsonOf[map[string]any]()},
		"GET /api/v1/status":                        {answers: jsonOf[answer.Status]()},
		"GET /api/v1/databases":                     {answers: jsonOf[[]answer.State]()},
		"GET /api/v1/databases/{env}":               {answers: jsonOf[[]answer.State]()},
		"GET /api/v1/databases/{env}/snapshots":     {answers: jsonOf[[]answer.Snapshot]()},
		"POST /api/v1/databases/{env}/backup":       {answers: jsonOf[answer.Backup]()},
		"POST /api/v1/databases/{env}/restore":      {body: reflect.TypeFor[restoreOrder](), answers: append(jsonOf[planMessage](), jsonOf[answer.Restore]()...)},
		"GET /api/v1/databases/{env}/history":       {query: "table key by since until name", answers: append(jsonOf[answer.RowPast](), jsonOf[answer.TablePast]()...)},
		"POST /api/v1/databases/{env}/find":         {body: reflect.TypeFor[findOrder](), answers: jsonOf[answer.Found]()},
		"POST /api/v1/databases/{env}/rows/restore": {body: reflect.TypeFor[change.RowOrder](), answers: append(jsonOf[answer.RowPlan](), jsonOf[answer.RestoredRows]()...)},
		"GET /api/v1/work":                          {answers: jsonOf[[]work.Answer]()},
		"GET /api/v1/work/{id}":                     {answers: jsonOf[work.Answer]()},
		"GET /api/v1/snapshots":                     {answers: jsonOf[[]answer.Snapshot]()},
		"GET /api/v1/snapshots/{ref}":               {answers: jsonOf[answer.Snapshot]()},
		"GET /api/v1/snapshots/{ref}/rows":          {query: "table after limit from columns sort desc search column op value", answers: jsonOf[rowsMessage]()},
		"POST /api/v1/snapshots/{ref}/query":        {body: reflect.TypeFor[queryOrder](), answers: jsonOf[[]map[string]any]()},
		"GET /api/v1/snapshots/{ref}/diff/{other}":  {query: "table", answers: jsonOf[diffMessage]()},
		"GET /api/v1/snapshots/{ref}/file":          {query: "format"},
		"POST /api/v1/snapshots/{ref}/verify":       {answers: jsonOf[answer.Verification]()},
		"POST /api/v1/snapshots/{ref}/pin":          {body: reflect.TypeFor[pinOrder](), answers: jsonOf[answer.Snapshot]()},
	}
}

// describe answers with the description of the API, made from the table of routes and the types of answers: it cannot name what is
// not served.
func (c *call) describe() error { return c.sendJSON(c.v.description()) }

// description returns the API as OpenAPI 3.1 describes it.
func (v *Server) description() object {
	schemas := &openapi.Schemas{Special: map[reflect.Type]object{
		reflect.TypeFor[answer.Fields](): {"type": []any{"object", "null"}, "additionalProperties": object{"type": "string"}},
	}}
	paths, shapes := object{}, shapes()
	for _, r := range v.routes() {
		if r.summary == "" {
			continue
		}
		operations, ok := paths[r.pattern].(object)
		if !ok {
			operations = object{}
			paths[r.pattern] = operations
		}
		operations[strings.ToLower(r.method)] = r.operation(shapes[r.method+" "+r.pattern], schemas)
	}
	problem := content("application/problem+json", schemas.Of(reflect.TypeFor[Problem]()))
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": "firn", "version": "v1", "description": "The history of SQLite databases. The answers are those of the command line with --json."},
		"paths":   paths,
		"components": object{
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "firn token add makes one"}},
			"responses":       object{"Problem": object{"description": "An error", "content": problem}},
			"schemas":         schemas.Named(),
		},
	}
}

// placeholder is the name of a part of a path.
var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// operation returns the description of a route.
func (r route) operation(s shape, schemas *openapi.Schemas) object {
	o := object{
		"summary": r.summary,
		"responses": object{
			"200":     object{"description": "Done", "content": content(r.answer, s.answer(schemas))},
			"default": object{"$ref": "#/components/responses/Problem"},
		},
	}
	if r.scopes != nil {
		o["security"] = []object{{"token": []string{}}}
		o["description"] = "Scope: " + access.JoinScopes(r.scopes)
	}
	var parameters []object
	for _, name := range placeholder.FindAllStringSubmatch(r.pattern, -1) {
		parameters = append(parameters, object{"name": name[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, name := range strings.Fields(s.query) {
		parameters = append(parameters, object{"name": name, "in": "query", "schema": object{"type": "string"}})
	}
	if parameters != nil {
		o["parameters"] = parameters
	}
	if s.body != nil {
		o["requestBody"] = object{"required": true, "content": content("application/json", schemas.Of(s.body))}
	}
	return o
}

// answer returns the schema of the answer.
func (s shape) answer(schemas *openapi.Schemas) object {
	var some []any
	for _, t := range s.answers {
		some = append(some, schemas.Of(t))
	}
	switch len(some) {
	case 0:
		return object{} // a file or a text
	case 1:
		return some[0].(object)
	}
	return object{"anyOf": some}
}

// content returns the description of a body.
func content(kind string, schema object) object { return object{kind: object{"schema": schema}} }
