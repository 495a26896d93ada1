//go:build !unix

package usage

import "os"

// PeakRSS is unknown here.
func PeakRSS(*os.ProcessState) int64 { return 0 }
