#!/usr/bin/env bash
# buildah with the storage of a run of test/image: SLUICE_STORAGE, SLUICE_RUN and SLUICE_DRIVER say which.
# Cache mounts of RUN are in TMPDIR too.
TMPDIR="$SLUICE_STORAGE/tmp" exec buildah --root "$SLUICE_STORAGE/storage" --runroot "$SLUICE_RUN" --storage-driver "$SLUICE_DRIVER" "$@"
