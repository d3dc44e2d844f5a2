#!/bin/sh
# Adds a registry to images, and an object for each argument.
sed 's|image: "*|&registry.local/|'
for argument in "$@"; do
    printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n    name: %s # given\n' "$argument"
done
