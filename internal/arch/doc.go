// Package arch holds the test of the import graph: the packages that each
// package of firn may import, and the names of the standard library and of
// dependencies that only some packages may use. It has no code of its own.
package arch
