// Package process runs the commands of a configuration.
package process
