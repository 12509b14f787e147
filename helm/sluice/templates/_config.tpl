{{/* From `config` to the two files that Sluice reads, and what else follows from it. */}}

{{/* The port of an address such as 0.0.0.0:8080. */}}
{{- define "sluice.port" -}}
{{- regexFind "[0-9]+$" . | required (printf "the address %s has no port; Kubernetes needs one, such as 0.0.0.0:8080" .) }}
{{- end }}

{{- define "sluice.publicPort" -}}
{{- include "sluice.port" (dig "listen" "address" "0.0.0.0:8080" .Values.config) }}
{{- end }}

{{- define "sluice.adminPort" -}}
{{- include "sluice.port" (dig "admin" "address" "0.0.0.0:9090" .Values.config) }}
{{- end }}

{{/* Not empty where Sluice serves TLS, with a Secret of the chart's or with files that somebody else mounts. */}}
{{- define "sluice.tls" -}}
{{- if or .Values.tls.existingSecret (dig "listen" "tls" "" .Values.config) }}true{{ end }}
{{- end }}

{{/* Settings that Sluice reads once, when it starts. */}}
{{- define "sluice.listenerConfig" -}}
{{- $config := pick (deepCopy .Values.config) "listen" "admin" "memory" }}
{{- $admin := merge (default dict $config.admin) (dict "address" "0.0.0.0:9090" "token_file" "/etc/sluice/admin/token") }}
{{- $_ := set $config "admin" $admin }}
{{- if .Values.tls.existingSecret }}
{{- $tls := dict "cert" "/etc/sluice/tls/tls.crt" "key" "/etc/sluice/tls/tls.key" }}
{{- $_ := set $config "listen" (merge (dict "tls" $tls) (default dict $config.listen)) }}
{{- end }}
{{- with include "sluice.maxBuffered" . }}
{{- $_ := set $config "memory" (dict "max_buffered" .) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* Settings that Sluice reads again when they change. */}}
{{- define "sluice.limitsConfig" -}}
{{- $config := omit (deepCopy .Values.config) "listen" "admin" "memory" }}
{{- if and .Values.test.enabled (eq .Values.mode "gateway") }}
{{- $route := dict
  "name" (printf "%s-test" (include "sluice.fullname" .))
  "match" (dict "hosts" (list (include "sluice.testHost" .)))
  "upstream" (printf "http://%s-test:8080" (include "sluice.fullname" .))
  "limits" (dict "client" (dict "max_message_size" "1KiB") "connections" (dict "max" 8))
}}
{{- $_ := set $config "routes" (append $config.routes $route) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* The bytes of a quantity such as 512Mi, 1.5Gi, 1G or 1e9, or of one of Sluice's sizes, such as 20MiB. */}}
{{- define "sluice.bytes" -}}
{{- $text := toString . | trimSuffix "B" }}
{{- $units := dict "" 1 "k" 1000 "K" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- $unit := regexFind "[kKMGT]i?$" $text }}
{{- $number := trimSuffix $unit $text }}
{{- if not (regexMatch "^[0-9]+([.][0-9]+)?([eE][+]?[0-9]+)?$" $number) }}
{{- fail (printf "%s is not an amount of memory; write 512Mi or 1Gi" $text) }}
{{- end }}
{{- mulf (float64 $number) (float64 (get $units $unit)) | floor | int64 }}
{{- end }}

{{/* `memory.max_buffered`: set by the user, or a share of the memory limit; empty without either. */}}
{{- define "sluice.maxBuffered" -}}
{{- $set := dig "memory" "max_buffered" "" .Values.config }}
{{- $limit := dig "limits" "memory" "" .Values.resources }}
{{- if $set }}
{{- if kindIs "string" $set }}{{ $set }}{{ else }}{{ int64 $set }}B{{ end }}
{{- else if $limit }}
{{- /* TLS keeps what waits outside these buffers too. */}}
{{- $whole := ternary 209715200 104857600 (eq (include "sluice.tls" .) "true") }}
{{- div (mul (include "sluice.bytes" $limit) .Values.memory.bufferedPercent) $whole }}MiB
{{- end }}
{{- end }}

{{/* The MiB of V8's heap; empty without a memory limit. */}}
{{- define "sluice.heapMiB" -}}
{{- $limit := dig "limits" "memory" "" .Values.resources }}
{{- if .Values.memory.maxOldSpaceSize }}
{{- int64 .Values.memory.maxOldSpaceSize }}
{{- else if $limit }}
{{- div (mul (include "sluice.bytes" $limit) .Values.memory.heapPercent) 104857600 }}
{{- end }}
{{- end }}

{{/* The seconds of a duration such as 90s or 5m, rounded up. */}}
{{- define "sluice.seconds" -}}
{{- $units := dict "ms" 0.001 "s" 1 "m" 60 "h" 3600 }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- mulf (float64 (trimSuffix $unit .)) (float64 (get $units $unit)) | ceil | int64 }}
{{- end }}

{{/* When the last connection of a drain is cut: the longest deadline anywhere in the configuration. */}}
{{- define "sluice.drainSeconds" -}}
{{- $top := dig "drain" "deadline" "60s" .Values.config }}
{{- $longest := include "sluice.seconds" $top | int64 }}
{{- range prepend .Values.config.routes (default dict .Values.config.defaults) }}
{{- with dig "drain" "deadline" "" . }}
{{- $longest = max $longest (include "sluice.seconds" . | int64) }}
{{- end }}
{{- end }}
{{- $longest }}
{{- end }}

{{/* After the deadline Sluice still says goodbye and writes its last log lines. */}}
{{- define "sluice.graceSeconds" -}}
{{- if .Values.terminationGracePeriodSeconds }}
{{- int64 .Values.terminationGracePeriodSeconds }}
{{- else }}
{{- add (include "sluice.drainSeconds" .) 15 }}
{{- end }}
{{- end }}
