package proof

import "context"

// DifferenceWithin is [Rules.Difference] with another bound for tables that SQLite checks as a whole.
var DifferenceWithin = Rules{}.difference

// WholeOfLarge is [Rules.Whole] as a run checks a large image: SQLite looks no parents up.
func WholeOfLarge(ctx context.Context, image Image) (*Result, Rules, error) {
	return Rules{}.whole(ctx, image, false)
}
