// Package openapi describes Go types as the JSON that they become, for the description of an API.
package openapi

import (
	"encoding"
	"maps"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// Object is an object in JSON.
type Object = map[string]any

// Schemas collects the schemas of structs, each by its name. The zero value has none, and takes all types.
type Schemas struct {
	Special map[reflect.Type]Object // types that write their JSON themselves
	named   Object
}

// Named returns the schemas of all structs so far, by name.
func (s *Schemas) Named() Object { return maps.Clone(s.named) }

// Of returns the schema of a type's JSON. A struct with a name is a reference to a named schema.
func (s *Schemas) Of(t reflect.Type) Object {
	if special, ok := s.Special[t]; ok {
		return special
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return Object{"type": "string", "format": "date-time"}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return Object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return Object{"anyOf": []any{s.Of(t.Elem()), Object{"type": "null"}}}
	case reflect.Slice:
		return Object{"type": []any{"array", "null"}, "items": s.Of(t.Elem())}
	case reflect.Array:
		return Object{"type": "array", "items": s.Of(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		return Object{"type": []any{"object", "null"}, "additionalProperties": s.Of(t.Elem())}
	case reflect.Struct:
		return s.structure(t)
	}
	return basic(t)
}

// basic returns the schema of a type without parts.
func basic(t reflect.Type) Object {
	switch t.Kind() {
	case reflect.Bool:
		return Object{"type": "boolean"}
	case reflect.String:
		return Object{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return Object{"type": "number"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Object{"type": "integer"}
	case reflect.Interface:
		return Object{} // anything
	}
	panic("openapi: internal error: " + t.String() + " has no JSON") // a type of ours, which the tests describe
}

// structure returns a reference to the schema of a struct, which is made at the first call.
func (s *Schemas) structure(t reflect.Type) Object {
	name := nameOf(t)
	reference := Object{"$ref": "#/components/schemas/" + name}
	if s.named[name] != nil && name != "" {
		return reference
	}
	properties, required := Object{}, []any{}
	schema := Object{"type": "object", "properties": properties}
	if name != "" {
		if s.named == nil {
			s.named = Object{}
		}
		s.named[name] = schema // before its fields, which may refer to it
	}
	s.fields(t, true, properties, &required)
	if len(required) > 0 {
		schema["required"] = required
	}
	if name == "" {
		return schema
	}
	return reference
}

// fields adds the fields of a struct, and those of embedded ones. The fields of a struct that may be missing are not required.
func (s *Schemas) fields(t reflect.Type, there bool, properties Object, required *[]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			s.fields(inner, there && inner == f.Type, properties, required)
		default:
			if name == "" {
				name = f.Name
			}
			s.field(f.Type, name, strings.Contains(options, "omit"), there, properties, required)
		}
	}
}

// field adds a field. One that is left out when it is empty is never null.
func (s *Schemas) field(t reflect.Type, name string, omitted, there bool, properties Object, required *[]any) {
	if omitted && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	properties[name] = s.Of(t)
	if there && !omitted {
		*required = append(*required, name)
	}
}

// nameOf returns the name of a struct's schema: its own name, after the package's unless that has the answers. A struct without a
// name has none.
func nameOf(t reflect.Type) string {
	name := strings.TrimSuffix(t.Name(), "Message")
	if name == "" {
		return ""
	}
	if of := path.Base(t.PkgPath()); of != "answer" && of != "web" {
		return capital(of) + capital(name)
	}
	return capital(name)
}

// capital returns a text with a capital first.
func capital(text string) string { return string(unicode.ToUpper(rune(text[0]))) + text[1:] }
