// Package config reads firn.toml and checks its values.
package config
