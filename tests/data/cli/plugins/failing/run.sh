#!/bin/sh
echo "no such overlay" >&2
exit 3
