// Package session opens repositories by their location, with what the configuration and the environment say.
package session
