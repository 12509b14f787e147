{{/* Amounts as Kubernetes, Sluice and Prometheus write them, as numbers. */}}

{{/* The number of a quantity such as 512Mi, 1.5Gi, 1Pi, 1e9 or 250m. */}}
{{- define "sluice.quantity" -}}
{{- $text := toString . }}
{{- $units := dict "" 1 "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "K" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976 }}
{{- $unit := regexFind "([numkKMGTPE]|[KMGTPE]i)$" $text }}
{{- $number := trimSuffix $unit $text }}
{{- if not (regexMatch "^[0-9]+([.][0-9]+)?([eE][+]?[0-9]+)?$" $number) }}
{{- fail (printf "%s is not an amount; write 512Mi, 1Gi or 250m" $text) }}
{{- end }}
{{- mulf (float64 $number) (float64 (get $units $unit)) | printf "%.9f" }}
{{- end }}

{{/* The bytes of a quantity, or of one of Sluice's sizes, such as 20MiB. */}}
{{- define "sluice.bytes" -}}
{{- include "sluice.quantity" (toString . | trimSuffix "B") | float64 | floor | int64 }}
{{- end }}

{{/* The seconds of a duration such as 90s or 5m, rounded up. */}}
{{- define "sluice.seconds" -}}
{{- $units := dict "ms" 0.001 "s" 1 "m" 60 "h" 3600 }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- mulf (float64 (trimSuffix $unit .)) (float64 (get $units $unit)) | ceil | int64 }}
{{- end }}

{{/* The milliseconds of one of Prometheus's durations, such as 1m30s. */}}
{{- define "sluice.promMilliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 }}
{{- $sum := 0 }}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- $sum = add $sum (mul (int64 (trimSuffix $unit .)) (int64 (get $units $unit))) }}
{{- end }}
{{- $sum }}
{{- end }}
