// Package browser holds the tests of firn's pages in a real browser: the sign-in, ways through the pages, and each page that a link
// leads to, in light and dark, wide and narrow, with scripts and without. It is a module of its own, so that what drives the
// browser is no dependency of firn's.
package browser
