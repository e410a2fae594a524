# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes ext4 images from Debian's own packages. Needs neither root rights nor a loop mount: mmdebstrap picks the mode
# that works here (user namespace, or plain chroot as root), and fakeroot keeps owners until mke2fs has read them.
# Sourced after lib.sh.

# debian_sources: this machine's own package sources as far as they are Debian 12's, one 'deb' line each, so that a
# configured mirror is honoured; nothing when apt has no lists, and mmdebstrap then uses its default.
debian_sources() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT) # $(ORIGIN)' 'Created-By: Packages' |
        sed -nE 's/^(deb [^ ]+ bookworm[^ ]* main) # Debian$/\1/p'
}

# debian_tar FILE PACKAGE…: a minimal Debian 12 with PACKAGEs as a tar file. Files under /dev are left out: every
# kernel we boot has devtmpfs.
debian_tar() {
    local file=$1 sources option proxies=()
    shift
    mapfile -t sources < <(debian_sources)
    while read -r option; do proxies+=(--aptopt="$option"); done < <(apt-config dump | grep -iE '^Acquire::.*proxy' || true)
    mmdebstrap --variant=minbase --include="$(IFS=,; printf '%s' "$*")" --dpkgopt=force-unsafe-io \
        --aptopt='Acquire::Retries "3"' "${proxies[@]}" --skip=output/mknod \
        bookworm "$file" "${sources[@]}"
}

# ext4_image IMAGE SIZE LABEL TAR CUSTOMIZE: an ext4 file system of SIZE from TAR, after 'CUSTOMIZE TREE' changed it.
ext4_image() {
    local image=$1 size=$2 label=$3 tar=$4 customize=$5 tree=$1.tree
    mkdir "$tree"
    # The function travels as text: fakeroot's own shell would drop an exported one.
    # shellcheck disable=SC2016 # expanded by the inner shell
    fakeroot bash -euc '
        tar --numeric-owner -xf "$1" -C "$2"
        rm -f "$2/etc/apt/apt.conf.d/99mmdebstrap" "$2/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
        eval "$6"
        "$7" "$2"
        mke2fs -q -t ext4 -L "$5" -d "$2" -E lazy_itable_init=1,nodiscard "$3" "$4"' \
        _ "$tar" "$tree" "$image" "$size" "$label" "$(declare -f "$customize")" "$customize"
    rm -rf "$tree"
    e2fsck -fn "$image"
}
