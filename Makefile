# "make module PATH=..." hides the search path of programs, which this brings back: Linux keeps it
# in a file of make's process, and elsewhere a login shell has one.
ifeq ($(origin PATH),command line)
MODULE := $(PATH)
override PATH := $(or $(shell /usr/bin/tr '\0' '\n' </proc/$$PPID/environ 2>/dev/null | /usr/bin/sed -n 's/^PATH=//p'),$(shell /bin/sh -lc 'echo "$$PATH"'))
endif

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
SOURCE ?= $(shell git log -1 --format=%H,%cI 2>/dev/null)
IMPORT := $(shell sed -n 's/^module //p' go.mod)
PREFIX ?= /usr/local
FUZZTIME ?= 5000x
TIME ?= 1h
# One platform of each system, and both processors. The tests build for this machine's platform.
PLATFORMS = linux/arm64 darwin/arm64 windows/amd64
# A shell command in the folder of each module that has packages, or of those that are named.
in_modules = set -e; for m in $(or $(2),. bench browser); do (cd $$m; $(1)); done
# The modules whose tests are their own: those of the module browser test firn's pages.
tested = . bench
# Packages without a goroutine, their own or others': nothing in them can race.
sequential = btree|chunk/delta|internal/arch|internal/habits|internal/svg|retention|sqlite/caseless|tags

.PHONY: build test needs deps left-out lint server full race browser cross packages fuzz cover torture demo bench bench-watch bench-places rclone-test pictures man install deb clean module module-test help

build: ## build bin/firn: static, reproducible, with its version
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X $(IMPORT)/cmd.version=$(VERSION) -X $(IMPORT)/cmd.builtFrom=$(SOURCE)' -o bin/firn ./cmd/firn

bin/firn:
	@$(MAKE) build

# A part of the tests that takes more than Go: without that it is left out, and said at the end.
if_has = if tools/needs has $(1); then $(2); else echo 'left out: $(1), see "make deps"'; fi

test: needs lint full race browser cross packages module-test fuzz left-out ## everything that a change must pass
needs:
	@tools/needs report
left-out:
	@tools/needs left-out
deps: ## install what the tests take beside Go and make (Debian)
	@tools/needs install

lint: ## check formatting, go.mod, vet, staticcheck and the import graph
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'run gofmt -w on these files' >&2; exit 1; }
	@$(call in_modules,set -x; go mod tidy -diff; go vet ./...; go tool -modfile="$(CURDIR)/tools/go.mod" staticcheck ./...)
	go test -count=1 ./internal/arch

server: ## build the S3 server that tests run against
	go test -count=1 -timeout 30m -run '^TestProgram$$' ./internal/s3test
full: server ## run all tests
	@$(call in_modules,set -x; go test -timeout 30m ./...,$(tested))

race: server ## run all tests, the long ones cut short, with the race detector
	@$(call if_has,race,$(call in_modules,set -x; CGO_ENABLED=1 go test -race -short -timeout 40m $$(go list ./... | grep -vE "/($(sequential))$$"),$(tested)))

browser: ## go through the pages of firn serve with a real browser
	@$(call if_has,browser,set -x; go test -C browser -count=1 ./...)

cross: ## build for other platforms
	@set -e; for p in $(PLATFORMS); do echo "build $$p"; \
		export CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/}; $(call in_modules,go build -o /dev/null ./...); done

packages: ## build twice, compare, install the package and use it
	@$(call if_has,packages,packaging/test)

fuzz: ## fuzz each target for FUZZTIME, a number of runs or a time
	.ci/fuzz $(FUZZTIME)
torture: server ## torture followers for TIME, and then at once a fleet of hosts and a watch: make torture TIME=1h
	go test ./sqlite -count=1 -run '^TestFollowerTorture$$' -torture $(TIME) -timeout 0 -v
	go test ./cmd/firn -count=1 -run '^(TestFleet|TestWatch)$$' -torture $(TIME) -timeout 0 -v
	go test ./cmd -count=1 -run '^TestKilledAnywhere$$' -kill-each -timeout 0 -v
cover: server ## write the tests' coverage of firn's module to .cache/cover.html
	mkdir -p .cache && go test -coverpkg=./... -coverprofile=.cache/cover.out ./...
	go tool cover -html=.cache/cover.out -o .cache/cover.html && go tool cover -func=.cache/cover.out | tail -n 1
demo: build ## show backup and restore on a small database
	go run ./demo bin/firn
module: ## give the module another path: make module PATH=example.org/you/firn
	@tools/module '$(MODULE)'
module-test: ## do that to a copy of this tree, build and test it
	@$(call if_has,module-test,tools/module-test)
bench: ## compare with restic, borg, Litestream and the script pipeline: a quarter of an hour; BENCH_LARGE=1 adds 10 GB, and an hour
	bench/install && go run -C bench . -size 3MB,50MB,500MB -content -month -o ../docs/benchmarks.md -plot ../docs/month.svg $(ARGS)
	$(if $(BENCH_LARGE),go run -C bench . -size '' -large -o ../docs/large.md $(ARGS))
bench-watch: ## measure a watch, beside Litestream: an hour
	bench/install && go run -C bench ./watch -o ../docs/watch.md $(ARGS)
bench-places: ## measure places and databases on other hosts: some minutes
	go run -C bench ./places -o ../docs/places.md $(ARGS)
rclone-test: ## keep repositories on SFTP and WebDAV through rclone, which is built for it
	tools/rclone-test
pictures: ## take the pictures of docs/serve.md, with Chromium
	mkdir -p docs/pictures && go test -count=1 ./internal/showcase -run '^TestPictures$$' -pictures "$(CURDIR)/docs/pictures"
man: build ## write the manual pages to dist/man
	bin/firn man dist/man
install: bin/firn ## install it, its manual and completions under PREFIX
	packaging/install "$(DESTDIR)$(PREFIX)"
deb: build ## make a package for Debian in dist
	packaging/deb
clean: ## remove what was built
	rm -rf bin dist .cache
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 13
