// Package upkeep keeps a repository and its snapshots in order: retention and its simulation, status and statistics,
// checks and repairs, labels, keys, and the making of a repository.
package upkeep
