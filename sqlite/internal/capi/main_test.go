package capi_test

import (
	"fmt"
	"os"
	"testing"

	"firn/sqlite/internal/capi"
)

func TestMain(m *testing.M) {
	if err := capi.Harden(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
