package arch_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// pkg is a package as the rules see it.
type pkg struct {
	path      string // relative to the module
	files     int
	lines     int // of these files
	commented bool
	uses      []use
}

// use is an import or a name in a file, such as "crypto/rand", "time.Now" or
// "func init".
type use struct{ what, where string }

// table maps the left side of a rule to its right side.
type table map[string][]string

// parseTable reads lines "left: right right"; # starts a comment line.
func parseTable(text string) table {
	t := table{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		left, right, ok := strings.Cut(line, ":")
		if _, twice := t[left]; !ok || twice {
			panic("arch: bad or repeated rule " + line)
		}
		t[left] = strings.Fields(right)
	}
	return t
}

// check returns a line for every departure of pkgs from the rules.
func check(imports, only table, pkgs []pkg) []string {
	var findings []string
	for _, p := range pkgs {
		if _, ok := imports[p.path]; !ok {
			findings = append(findings, fmt.Sprintf("package %s is not in the table of imports", p.path))
			continue
		}
		if p.files > 0 && !p.commented {
			findings = append(findings, fmt.Sprintf("package %s has no package comment", p.path))
		}
		for _, u := range p.uses {
			findings = append(findings, checkUse(imports, only, p.path, u)...)
		}
	}
	return findings
}

// checkUse checks one use against both tables.
func checkUse(imports, only table, path string, u use) []string {
	var findings []string
	if ours, ok := inModule(u.what); ok && !slices.Contains(imports[path], ours) {
		findings = append(findings, fmt.Sprintf("%s: %s must not import %s", u.where, path, ours))
	}
	for _, pattern := range slices.Sorted(maps.Keys(only)) {
		if matches(pattern, u.what) && !slices.Contains(only[pattern], path) {
			findings = append(findings, fmt.Sprintf("%s: %s must not use %s: only %v may", u.where, path, u.what, only[pattern]))
		}
	}
	return findings
}

// inModule returns the name by which the tables know a package of ours.
func inModule(importPath string) (name string, ours bool) {
	if importPath == module {
		return rootName, true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func matches(pattern, what string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(what, prefix)
	}
	return pattern == what
}

// add parses one file of the package; src is as for [parser.ParseFile].
func (p *pkg) add(name string, src any) error {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	p.files++
	p.lines += fset.File(file.Pos()).LineCount()
	p.commented = p.commented || strings.TrimSpace(file.Doc.Text()) != ""
	where := func(n ast.Node) string {
		at := fset.Position(n.Pos())
		return fmt.Sprintf("%s:%d", filepath.Base(at.Filename), at.Line)
	}
	names := map[string]string{} // local name -> import path
	for _, spec := range file.Imports {
		what, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("parse import: %w", err)
		}
		names[localName(spec, what)] = what
		p.uses = append(p.uses, use{what, where(spec)})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if what := named(n, names); what != "" {
			p.uses = append(p.uses, use{what, where(n)})
		}
		return true
	})
	return nil
}

// localName returns the name of an import in its file. The last part of the
// path is right for the standard library, to which all rules about names
// belong.
func localName(spec *ast.ImportSpec, what string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	return path.Base(what)
}

// named returns the name in a node that rules can be about, or "".
func named(n ast.Node, names map[string]string) string {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.Name == "init" {
			return "func init"
		}
	case *ast.SelectorExpr:
		x, ok := n.X.(*ast.Ident)
		if !ok || x.Obj != nil { // declared in this file, so not an import
			return ""
		}
		from := names[x.Name]
		if _, ours := inModule(from); from != "" && !ours {
			return from + "." + n.Sel.Name
		}
	}
	return ""
}
