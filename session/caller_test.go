package session_test

import (
	"os"
	"reflect"
	"testing"

	"firn/internal/sessiontest"
	"firn/report"
	"firn/session"
)

// TestWithReporterKeepsAllElse fails when a new field of a caller is left out.
func TestWithReporterKeepsAllElse(t *testing.T) {
	t.Parallel()
	c := &session.Caller{}
	filled := reflect.ValueOf(c).Elem()
	for i := range filled.NumField() {
		if field := filled.Field(i); filled.Type().Field(i).IsExported() {
			field.Set(some(field.Type()))
		}
	}
	got := reflect.ValueOf(c.WithReporter(nil)).Elem()
	for i := range got.NumField() {
		if f := got.Type().Field(i); f.IsExported() && f.Name != "Reporter" && got.Field(i).IsZero() {
			t.Errorf("%s is lost", f.Name)
		}
	}
	if c.WithReporter(nil).Reporter != nil {
		t.Error("the reporter is not the new one")
	}
}

// some returns a value that is not zero.
func some(t reflect.Type) reflect.Value {
	switch v := reflect.New(t).Elem(); t.Kind() {
	case reflect.Pointer:
		return reflect.New(t.Elem())
	case reflect.Func:
		return reflect.MakeFunc(t, func([]reflect.Value) []reflect.Value { return nil })
	case reflect.Slice:
		return reflect.MakeSlice(t, 1, 1)
	case reflect.Interface:
		return reflect.ValueOf(os.Stderr)
	case reflect.Struct:
		v.Field(0).Set(some(v.Field(0).Type()))
		return v
	case reflect.Int64:
		v.SetInt(7)
		return v
	default:
		v.SetString("x")
		return v
	}
}

func TestReporterOfASessionIsItsOwn(t *testing.T) {
	t.Parallel()
	f := sessiontest.New(t, "")
	var told []string
	f.WithReporter(&report.Reporter{Warned: func(text string) { told = append(told, text) }}).Warn("hello")
	if len(told) != 1 || len(f.Warned()) != 0 {
		t.Errorf("got %q and %q", told, f.Warned())
	}
}
