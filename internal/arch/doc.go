// Package arch holds the test of the import graph: which package of firn may
// import which, and which names of the standard library and of dependencies
// stay inside which packages. It has no code of its own.
package arch
