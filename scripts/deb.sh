#!/usr/bin/env bash
# Debian packages of the three programs: `bash scripts/deb.sh [--profile PROFILE] [DIR]` puts
# narrows-proxy, narrows-gateway and narrows-probe into DIR (target/debian). Needs dpkg-deb and binutils;
# with dpkg-dev it also finds which libraries the programs need. Reproducible: times are the last commit's.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=release
if [ "${1:-}" = --profile ]; then profile=$2; shift 2; fi
target=${CARGO_TARGET_DIR:-target}
out=${1:-$target/debian}
built=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

programs=(narrows-proxy narrows-gateway narrows-probe)
version=$(sed -nE '/^\[workspace.package\]/,/^\[/ s/^version = "(.*)"/\1/p' Cargo.toml)
architecture=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
# Who builds a package answers for it, as with Debian's own tools.
maintainer="${DEBFULLNAME:-The Narrows authors} <${DEBEMAIL:-narrows@localhost}>"

xtask() { "$built/narrows-xtask" "$@"; }

cargo build --locked --profile "$profile" "${programs[@]/#/--package=}" --package=narrows-xtask
xtask man "$work/man"
xtask completions "$work/completions"

describe() {
    case $1 in
        narrows-proxy) echo "forward proxy that sends egress by one narrow, named passage
 Listens on 127.0.0.1:40343 as an HTTP forward proxy and decides for every
 target which way it takes: directly, by the enterprise proxy, by a gateway,
 or not at all; and says why. Knows the endpoints of Azure Arc." ;;
        narrows-gateway) echo "far end of a narrow passage: an HTTPS proxy with one name
 Authenticates its clients (bearer tokens, JWT, client certificates) and
 carries an audited list of targets, over HTTP/2 and HTTP/1.1, for
 narrows-proxy and any other client of an HTTPS proxy." ;;
        narrows-probe) echo "says which endpoints are reachable and who broke the others
 Walks every path step by step, names the hop that broke it with the
 evidence, and prints what must be open in the words of firewalls." ;;
    esac
}

# shared_libraries PROGRAM: what the program is linked to, as Debian names it.
shared_libraries() {
    if command -v dpkg-shlibdeps >/dev/null; then
        mkdir -p "$work/shlibs/debian"
        printf 'Source: narrows\n\nPackage: %s\nArchitecture: any\n' "$1" >"$work/shlibs/debian/control"
        (cd "$work/shlibs" && dpkg-shlibdeps -O "$2" 2>/dev/null) | sed 's/^shlibs:Depends=//'
    else
        echo libc6
    fi
}

# install_service PROGRAM ROOT: units, user, settings file.
install_service() {
    local name=$1 root=$2 settings
    install -D -m 644 -t "$root/lib/systemd/system" "deploy/systemd/$name.service" "deploy/systemd/$name.socket"
    install -D -m 644 "deploy/systemd/$name.sysusers" "$root/usr/lib/sysusers.d/$name.conf"
    case $name in
        narrows-proxy) settings=/etc/narrows/proxy.toml ;;
        narrows-gateway) settings=/etc/narrows-gateway/gateway.toml ;;
    esac
    mkdir -p "$root$(dirname "$settings")"
    xtask settings "$name" "$root$settings"
    echo "$settings" >"$root/DEBIAN/conffiles"
    local script
    for script in postinst prerm postrm; do
        install -m 755 "deploy/debian/$name.$script" "$root/DEBIAN/$script"
    done
}

package() {
    local name=$1 root=$work/$1 depends page
    mkdir -p "$root/DEBIAN"
    install -D -m 755 "$built/$name" "$root/usr/bin/$name"
    strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/$name"
    depends=$(shared_libraries "$name" "$root/usr/bin/$name")

    for page in "$work/man/$name".1 "$work/man/$name"-*.1; do
        install -D -m 644 "$page" "$root/usr/share/man/man1/$(basename "$page")"
    done
    gzip -9n "$root"/usr/share/man/man1/*.1
    install -D -m 644 "$work/completions/$name.bash" "$root/usr/share/bash-completion/completions/$name"
    install -D -m 644 "$work/completions/_$name" "$root/usr/share/zsh/vendor-completions/_$name"
    install -D -m 644 "$work/completions/$name.fish" "$root/usr/share/fish/vendor_completions.d/$name.fish"

    local docs=$root/usr/share/doc/$name
    install -D -m 644 deploy/debian/copyright "$docs/copyright"
    { echo "narrows ($version) stable; urgency=medium"; echo
      echo "  * What changed: https://github.com/narrows/narrows/blob/main/CHANGELOG.md"; echo
      echo " -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
    } | gzip -9n >"$docs/changelog.gz"
    xtask sbom "$name" "$docs/sbom.cdx.json"

    if [ -e "deploy/systemd/$name.service" ]; then
        install_service "$name" "$root"
        depends+=", systemd | systemd-standalone-sysusers | systemd-sysusers"
    fi
    cat >"$root/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends
Recommends: ca-certificates
Section: net
Priority: optional
Homepage: https://github.com/narrows/narrows
Description: $(describe "$name")
CONTROL
    (cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) \
        >"$root/DEBIAN/md5sums"
    chmod 644 "$root"/DEBIAN/{control,md5sums}
    find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${name}_${version}_$architecture.deb"
}

mkdir -p "$out"
for program in "${programs[@]}"; do package "$program"; done
