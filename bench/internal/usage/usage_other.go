//go:build !unix

package usage

import "os"

// PeakRSS returns 0, because the system does not tell the size.
func PeakRSS(*os.ProcessState) int64 { return 0 }
