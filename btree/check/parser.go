package check

import (
	"strings"

	"firn/sqlite/caseless"
)

// parser reads a CREATE TABLE or a CREATE INDEX. It is meant to be right or to give up: where a definition has more than
// the parser knows, ok becomes false, and the table or the index is left to SQLite.
type parser struct {
	sql  string
	list []token
	at   int
	ok   bool
	t    *table
}

// end is the token after the last one.
func (p *parser) peek() token {
	if p.at < len(p.list) {
		return p.list[p.at]
	}
	return token{}
}

func (p *parser) next() token {
	t := p.peek()
	p.at++
	return t
}

// take passes over a keyword, if it is there.
func (p *parser) take(word string) bool {
	if p.peek().is(word) {
		p.at++
		return true
	}
	return false
}

// takeSign passes over a character, if it is there.
func (p *parser) takeSign(c byte) bool {
	if p.peek().kind == c {
		p.at++
		return true
	}
	return false
}

// want passes over keywords that must be there.
func (p *parser) want(words ...string) {
	for _, w := range words {
		p.ok = p.take(w) && p.ok
	}
}

func (p *parser) wantSign(c byte) { p.ok = p.takeSign(c) && p.ok }

func (p *parser) name() string {
	t := p.next()
	p.ok = p.ok && t.named()
	return t.text
}

// skip passes over an expression in parentheses.
func (p *parser) skip() {
	p.wantSign('(')
	for depth := 1; depth > 0 && p.ok; {
		switch p.next().kind {
		case '(':
			depth++
		case ')':
			depth--
		case 0:
			p.ok = false
		}
	}
}

// parseTable reads the definition of a table. It returns false if there is something in it that takes SQLite.
func parseTable(name string, root uint32, sql string) (*table, bool) {
	t := &table{name: name, root: root, alias: -1}
	list, ok := tokens(sql, len(sql))
	p := &parser{sql: sql, list: list, ok: ok, t: t}
	p.want("CREATE", "TABLE")
	p.ok = p.ok && caseless.Same(p.name(), name)
	p.wantSign('(')
	p.columns()
	p.constraints()
	p.wantSign(')')
	p.options()
	p.ok = p.ok && len(t.columns) > 0 && t.finish()
	t.known = p.ok
	return t, p.ok
}

func (p *parser) columns() {
	for p.ok && !p.peek().isAny("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN") {
		p.columnDefinition()
		if !p.takeSign(',') {
			return
		}
	}
}

func (p *parser) columnDefinition() {
	c := column{name: p.name(), collation: "BINARY", place: -1}
	if _, twice := p.t.column(c.name); twice {
		p.ok = false
	}
	c.typeName = p.typeName()
	c.affinity = affinityOf(c.typeName)
	p.t.columns = append(p.t.columns, c)
	for p.ok && p.peek().kind != ',' && p.peek().kind != ')' {
		p.columnConstraint(&p.t.columns[len(p.t.columns)-1])
	}
}

// typeName returns the declared type as SQLite sees it: the text from the first word to the last, parentheses included.
func (p *parser) typeName() string {
	first := p.at
	for t := p.peek(); t.named() && !t.isAny("CONSTRAINT", "DEFAULT", "NULL", "NOT", "PRIMARY", "UNIQUE", "CHECK",
		"REFERENCES", "COLLATE", "AS", "ON", "DEFERRABLE"); t = p.peek() {
		p.at++
	}
	if p.at == first {
		return ""
	}
	if p.peek().kind == '(' {
		p.skip()
	}
	if !p.ok {
		return ""
	}
	text := p.sql[p.list[first].from:p.list[p.at-1].to]
	if strings.Contains(text, "--") || strings.Contains(text, "/*") {
		p.ok = false
	}
	if p.at == first+1 {
		text = p.list[first].text // SQLite takes off the quotes
	} else if strings.ContainsAny(text, "\"'`[]") {
		p.ok = false
	}
	return withoutGenerated(text)
}

// withoutGenerated takes the words GENERATED ALWAYS off a type: SQLite's grammar takes them for a part of it.
func withoutGenerated(text string) string {
	low := caseless.Fold(text)
	if len(text) < 16 || !strings.HasSuffix(low, "always") {
		return text
	}
	text = strings.TrimRight(text[:len(text)-6], " \t\n\v\f\r")
	if strings.HasSuffix(caseless.Fold(text), "generated") {
		text = strings.TrimRight(text[:len(text)-9], " \t\n\v\f\r")
	}
	return text
}

func (p *parser) columnConstraint(c *column) {
	switch t := p.next(); {
	case t.is("CONSTRAINT"):
		p.name()
	case t.is("PRIMARY"):
		p.want("KEY")
		p.primaryColumn(c)
	case t.is("NOT") && p.take("DEFERRABLE"), t.is("DEFERRABLE"):
		p.deferred()
	case t.is("NOT"):
		p.want("NULL")
		c.notNull = true
		p.conflict()
	case t.is("NULL"):
		p.conflict()
	case t.is("UNIQUE"):
		p.conflict()
		p.t.constrain([]indexColumn{{column: len(p.t.columns) - 1}}, false)
	case t.is("CHECK"):
		p.t.checked = true
		p.skip()
	case t.is("DEFAULT"):
		p.initial(c)
	case t.is("COLLATE"):
		c.collation = p.name()
	case t.is("REFERENCES"):
		p.references()
	case t.is("AS"), t.is("GENERATED") && p.take("ALWAYS") && p.take("AS"):
		p.generated(c)
	default:
		p.ok = false
	}
}

// primaryColumn reads the rest of the PRIMARY KEY of one column.
func (p *parser) primaryColumn(c *column) {
	desc := p.order()
	p.conflict()
	p.take("AUTOINCREMENT")
	c.primary = true
	i := len(p.t.columns) - 1
	if caseless.Same(c.typeName, "INTEGER") && !desc {
		p.alias(indexColumn{column: i})
		return
	}
	p.t.constrain([]indexColumn{{column: i, desc: desc}}, true)
}

// alias makes a column another name of the rowid. WITHOUT ROWID it becomes a primary key like others, after all other
// constraints.
func (p *parser) alias(c indexColumn) {
	p.ok = p.ok && p.t.alias < 0 && p.t.primary == nil
	p.t.alias = c.column
	p.t.aliasDesc = c.desc
}

// order passes over ASC or DESC.
func (p *parser) order() (desc bool) {
	if p.take("DESC") {
		return true
	}
	p.take("ASC")
	return false
}

func (p *parser) conflict() {
	if p.take("ON") {
		p.want("CONFLICT")
		p.ok = p.next().isAny("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE") && p.ok
	}
}

func (p *parser) deferred() {
	if p.take("INITIALLY") {
		p.ok = p.next().isAny("DEFERRED", "IMMEDIATE") && p.ok
	}
}

// references passes over the rest of a foreign key.
func (p *parser) references() {
	p.name()
	if p.peek().kind == '(' {
		p.skip()
	}
	for p.ok {
		switch {
		case p.take("MATCH"):
			p.name()
		case p.take("ON"):
			p.ok = p.next().isAny("DELETE", "UPDATE", "INSERT") && p.ok
			p.action()
		default:
			return
		}
	}
}

func (p *parser) action() {
	switch t := p.next(); {
	case t.is("SET"):
		p.ok = p.next().isAny("NULL", "DEFAULT") && p.ok
	case t.is("NO"):
		p.want("ACTION")
	default:
		p.ok = t.isAny("CASCADE", "RESTRICT") && p.ok
	}
}

func (p *parser) generated(c *column) {
	p.skip()
	c.generated = true
	if c.virtual = !p.take("STORED"); c.virtual {
		p.take("VIRTUAL")
	}
}

// constraints reads the constraints of the table.
func (p *parser) constraints() {
	p.t.settle()
	for p.ok && p.peek().kind != ')' {
		switch t := p.next(); {
		case t.kind == ',':
		case t.is("CONSTRAINT"):
			p.name()
		case t.is("PRIMARY"):
			p.want("KEY")
			p.primaryKey(p.keyColumns(true))
			p.conflict()
		case t.is("UNIQUE"):
			p.t.constrain(p.keyColumns(false), false)
			p.conflict()
		case t.is("CHECK"):
			p.t.checked = true
			p.skip()
			p.conflict()
		case t.is("FOREIGN"):
			p.want("KEY")
			p.skip()
			p.want("REFERENCES")
			p.references()
			if p.take("NOT") || p.peek().is("DEFERRABLE") {
				p.want("DEFERRABLE")
				p.deferred()
			}
		default:
			p.ok = false
		}
	}
}

func (p *parser) primaryKey(columns []indexColumn) {
	if !p.ok {
		return
	}
	p.ok = p.t.primary == nil && p.t.alias < 0
	for _, c := range columns {
		p.t.columns[c.column].primary = true
	}
	if len(columns) == 1 && caseless.Same(p.t.columns[columns[0].column].typeName, "INTEGER") {
		p.alias(columns[0])
		return
	}
	p.t.constrain(columns, true)
}

// keyColumns reads the columns of an index or of a constraint.
func (p *parser) keyColumns(autoincrement bool) (columns []indexColumn) {
	p.wantSign('(')
	for p.ok {
		columns = append(columns, p.keyColumn())
		if !p.takeSign(',') {
			break
		}
	}
	if autoincrement {
		p.take("AUTOINCREMENT")
	}
	p.wantSign(')')
	return columns
}

// keyColumn reads a column by its name. What is no column's name is an expression, which only an index can have.
func (p *parser) keyColumn() indexColumn {
	name := p.name()
	i, ok := p.t.column(name)
	c := indexColumn{column: i}
	p.ok = p.ok && ok
	if !p.ok {
		return c
	}
	c.collation = p.t.columns[i].collation
	if p.take("COLLATE") {
		c.collation = p.name()
	}
	c.desc = p.order()
	return c
}

// options reads what may follow the columns of a table.
func (p *parser) options() {
	for p.ok && p.at < len(p.list) {
		switch t := p.next(); {
		case t.is("WITHOUT"):
			p.want("ROWID")
			p.t.withoutRowid = true
		case t.is("STRICT"):
			p.t.strict = true
		default:
			p.ok = false
		}
		if p.at < len(p.list) {
			p.wantSign(',')
			p.ok = p.ok && p.at < len(p.list)
		}
	}
}
