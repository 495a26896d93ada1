package provenance_test

import (
	"os"
	"testing"

	"firn/internal/dbtest"
)

func TestMain(m *testing.M) {
	dbtest.Main()
	os.Exit(m.Run())
}
