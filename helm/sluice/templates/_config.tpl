{{/* From `config` to the two files that Sluice reads, and what else follows from it. */}}

{{/* What the chart must know of Sluice itself; `npm run docs` writes it. */}}
{{- define "sluice.facts" -}}
{{- .Files.Get "files/facts.json" | required "files/facts.json is missing from the chart" }}
{{- end }}

{{/* The port of an address such as 0.0.0.0:8080. */}}
{{- define "sluice.port" -}}
{{- regexFind "[0-9]+$" . | required (printf "the address %s has no port; Kubernetes needs one, such as 0.0.0.0:8080" .) }}
{{- end }}

{{- define "sluice.publicAddress" -}}
{{- dig "listen" "address" "0.0.0.0:8080" .Values.config }}
{{- end }}

{{- define "sluice.adminAddress" -}}
{{- dig "admin" "address" "0.0.0.0:9090" .Values.config }}
{{- end }}

{{- define "sluice.publicPort" -}}
{{- include "sluice.port" (include "sluice.publicAddress" .) }}
{{- end }}

{{- define "sluice.adminPort" -}}
{{- include "sluice.port" (include "sluice.adminAddress" .) }}
{{- end }}

{{/* Not empty where Sluice serves TLS, with a Secret of the chart's or with files that somebody else mounts. */}}
{{- define "sluice.tls" -}}
{{- if or .Values.tls.existingSecret (dig "listen" "tls" "" .Values.config) }}true{{ end }}
{{- end }}

{{/* Not empty where clients are asked for certificates by the chart's own values. */}}
{{- define "sluice.clientAuthorities" -}}
{{- with .Values.tls.clientCertificates }}
{{- default .existingSecret .existingConfigMap }}
{{- end }}
{{- end }}

{{/* Settings that Sluice reads once, when it starts. */}}
{{- define "sluice.listenerConfig" -}}
{{- $config := pick (deepCopy .Values.config) "listen" "admin" "memory" "quotas" }}
{{- $admin := merge (default dict $config.admin) (dict "address" "0.0.0.0:9090" "token_file" "/etc/sluice/admin/token") }}
{{- $_ := set $config "admin" $admin }}
{{- if .Values.tls.existingSecret }}
{{- $tls := dict "cert" "/etc/sluice/tls/tls.crt" "key" "/etc/sluice/tls/tls.key" }}
{{- with .Values.tls.additionalSecrets }}
{{- $more := list }}
{{- range . }}{{ $more = append $more (dict "cert" (printf "/etc/sluice/certificates/%s/tls.crt" .) "key" (printf "/etc/sluice/certificates/%s/tls.key" .)) }}{{ end }}
{{- $_ := set $tls "certificates" $more }}
{{- end }}
{{- if include "sluice.clientAuthorities" . }}
{{- with .Values.tls.clientCertificates }}
{{- $clients := dict "ca" (printf "/etc/sluice/clients/%s" .caKey) "required" .required }}
{{- with .crlKey }}{{ $_ := set $clients "crl" (printf "/etc/sluice/clients/%s" .) }}{{ end }}
{{- $_ := set $tls "client_certificates" $clients }}
{{- end }}
{{- end }}
{{- $_ := set $config "listen" (merge (dict "tls" $tls) (default dict $config.listen)) }}
{{- end }}
{{- if and .Values.quotas.existingSecret $config.quotas }}
{{- $_ := set $config "quotas" (merge (dict "password_file" "/etc/sluice/quotas/password") $config.quotas) }}
{{- end }}
{{- with include "sluice.maxBuffered" . }}
{{- $_ := set $config "memory" (dict "max_buffered" .) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* Settings that Sluice reads again when they change. */}}
{{- define "sluice.limitsConfig" -}}
{{- omit .Values.config "listen" "admin" "memory" "quotas" | toYaml }}
{{- end }}

{{- define "sluice.memoryLimit" -}}
{{- dig "limits" "memory" "" (default dict .Values.resources) }}
{{- end }}

{{/* `memory.max_buffered`: set by the user, or a share of the memory limit; empty without either. */}}
{{- define "sluice.maxBuffered" -}}
{{- $set := dig "memory" "max_buffered" "" .Values.config }}
{{- $limit := include "sluice.memoryLimit" . }}
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
{{- $limit := include "sluice.memoryLimit" . }}
{{- if .Values.memory.maxOldSpaceSize }}
{{- int64 .Values.memory.maxOldSpaceSize }}
{{- else if $limit }}
{{- div (mul (include "sluice.bytes" $limit) .Values.memory.heapPercent) 104857600 }}
{{- end }}
{{- end }}

{{/* When the last connection of a drain is cut: the longest deadline anywhere in the configuration. */}}
{{- define "sluice.drainSeconds" -}}
{{- $facts := include "sluice.facts" . | fromJson }}
{{- $longest := include "sluice.seconds" (dig "drain" "deadline" $facts.drainDeadline .Values.config) | int64 }}
{{- range prepend .Values.config.routes (default dict .Values.config.defaults) }}
{{- with dig "drain" "deadline" "" . }}
{{- $longest = max $longest (include "sluice.seconds" . | int64) }}
{{- end }}
{{- end }}
{{- $longest }}
{{- end }}

{{/* What the kubelet does before it sends the signal counts against the grace period too. */}}
{{- define "sluice.preStopSeconds" -}}
{{- dig "preStop" "sleep" "seconds" 0 (default dict .Values.lifecycle) | int64 }}
{{- end }}

{{/* After the deadline Sluice still says goodbye and writes its last log lines. */}}
{{- define "sluice.graceSeconds" -}}
{{- if .Values.terminationGracePeriodSeconds }}
{{- int64 .Values.terminationGracePeriodSeconds }}
{{- else }}
{{- add (include "sluice.drainSeconds" .) (include "sluice.preStopSeconds" .) 15 }}
{{- end }}
{{- end }}
