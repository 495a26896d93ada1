// Package site works on files of this host with the rights of the users who can change them.
package site
