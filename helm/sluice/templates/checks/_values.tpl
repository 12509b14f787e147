{{/* What no schema can say of the values. Each check prints a line for what it finds. */}}

{{/* Helm takes a key with the value null away, and its default with it. */}}
{{- define "sluice.missingValues" -}}
{{- $facts := include "sluice.facts" . | fromJson }}
{{- $told := dict }}
{{- range $path := $facts.neededValues }}
{{- $at := $.Values }}
{{- $name := "" }}
{{- range $key := splitList "." $path }}
{{- $name = ternary $key (printf "%s.%s" $name $key) (empty $name) }}
{{- if kindIs "map" $at }}
{{- $at = ternary (get $at $key) nil (hasKey $at $key) }}
{{- if and (kindIs "invalid" $at) (not (hasKey $told $name)) }}
{{- $_ := set $told $name true }}
- {{ $name }} is null; leave it out for the chart's default{{ if eq $name "config" }}, or write config.routes{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sluice.problems.exclusive" -}}
{{- with .Values }}
{{- if and .autoscaling.hpa.enabled .autoscaling.keda.enabled }}
- autoscaling.hpa.enabled and autoscaling.keda.enabled exclude each other, because KEDA makes a HorizontalPodAutoscaler of its own; turn one off
{{- end }}
{{- if and .autoscaling.keda.enabled (not .autoscaling.keda.serverAddress) }}
- autoscaling.keda.serverAddress is empty; name the Prometheus that KEDA asks, such as http://prometheus-operated.monitoring:9090
{{- end }}
{{- if gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas) }}
- autoscaling.minReplicas is {{ int .autoscaling.minReplicas }} and maxReplicas {{ int .autoscaling.maxReplicas }}; write a minimum that is not above the maximum
{{- end }}
{{- if and .metrics.serviceMonitor.enabled .metrics.podMonitor.enabled }}
- metrics.serviceMonitor.enabled and metrics.podMonitor.enabled exclude each other, because every pod would be scraped twice; turn one off
{{- end }}
{{- range $kind := list "serviceMonitor" "podMonitor" }}
{{- with get $.Values.metrics $kind }}
{{- if and .interval .scrapeTimeout (gt (include "sluice.promMilliseconds" .scrapeTimeout | int64) (include "sluice.promMilliseconds" .interval | int64)) }}
- metrics.{{ $kind }}.scrapeTimeout is {{ .scrapeTimeout }}, longer than its interval of {{ .interval }}, which Prometheus refuses; write {{ .interval }} or less
{{- end }}
{{- end }}
{{- end }}
{{- if and .tls.existingSecret (dig "listen" "tls" "" .config) }}
- tls.existingSecret and config.listen.tls exclude each other, because each names the certificate; leave one out
{{- end }}
{{- if not .tls.existingSecret }}
{{- if .tls.additionalSecrets }}
- tls.additionalSecrets come beside tls.existingSecret, which is empty; name the Secret for clients that ask for no name there
{{- end }}
{{- if include "sluice.clientAuthorities" $ }}
- tls.clientCertificates need TLS, and tls.existingSecret is empty; name the Secret with the certificate there{{ if dig "listen" "tls" "" .config }}, or write config.listen.tls.client_certificates{{ end }}
{{- end }}
{{- end }}
{{- if and .tls.clientCertificates.existingSecret .tls.clientCertificates.existingConfigMap }}
- tls.clientCertificates.existingSecret and existingConfigMap exclude each other, because each names the authorities; leave one out
{{- end }}
{{- if and .tls.clientCertificates.crlKey (not (include "sluice.clientAuthorities" $)) }}
- tls.clientCertificates.crlKey is {{ .tls.clientCertificates.crlKey }}, and nothing is named that has it; name a ConfigMap or Secret in tls.clientCertificates
{{- end }}
{{- $clients := dig "listen" "tls" "client_certificates" "" (include "sluice.listenerConfig" $ | fromYaml) }}
{{- if and $clients .test.enabled (eq .mode "gateway") (dig "required" true $clients) }}
- {{ ternary "tls.clientCertificates.required" "config.listen.tls.client_certificates.required" (ne (include "sluice.clientAuthorities" $) "") }} is true, and the pod of `helm test` has no certificate; write test.enabled: false, or false here
{{- end }}
{{- range .auth.existingSecrets }}
{{- if has . (default list $.Values.auth.existingConfigMaps) }}
- auth.existingSecrets and auth.existingConfigMaps both name {{ . }}, and each would be /etc/sluice/auth/{{ . }}; rename one
{{- end }}
{{- end }}
{{- if and .quotas.existingSecret (not (dig "quotas" "store" "" .config)) }}
- quotas.existingSecret is set, and there is no store that it is the password of; write config.quotas.store, or leave it out
{{- end }}
{{- if and .quotas.existingSecret (dig "quotas" "password_file" "" .config) }}
- quotas.existingSecret and config.quotas.password_file exclude each other, because each names the password; leave one out
{{- end }}
{{- if and (ne .service.type "ClusterIP") (get (default dict .service.extraSpec) "clusterIP" | toString | eq "None") }}
- service.extraSpec.clusterIP is None, and service.type {{ .service.type }} needs an address; leave one out
{{- end }}
{{- if and (int .service.nodePort) (eq .service.type "ClusterIP") }}
- service.nodePort is {{ int .service.nodePort }}, which service.type ClusterIP has not; write NodePort or LoadBalancer there
{{- end }}
{{- range $key := list "type" "ports" "selector" "sessionAffinity" }}
{{- if hasKey (default dict $.Values.service.extraSpec) $key }}
- service.extraSpec.{{ $key }} would overwrite what the chart writes; {{ get (dict "type" "use service.type" "ports" "use service.port, service.nodePort and service.appProtocol" "selector" "leave it out: it is how the Service finds the pods" "sessionAffinity" "use service.sessionAffinity") $key }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sluice.problems.names" -}}
{{- $name := include "sluice.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
- {{ with .Values.fullnameOverride }}fullnameOverride{{ else }}the release{{ end }} gives the name {{ $name }}, which no Service may have; write {{ with .Values.fullnameOverride }}it in{{ else }}fullnameOverride in{{ end }} lower-case letters, digits and -, with a letter first
{{- end }}
{{- $label := include "sluice.name" . }}
{{- if not (regexMatch "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$" $label) }}
- nameOverride gives the label app.kubernetes.io/name: {{ $label }}, which Kubernetes refuses; write letters, digits, -, _ and .
{{- end }}
{{- range .Values.config.routes }}
{{- $host := regexReplaceAll "^[a-zA-Z]+://([^/:]*).*$" .upstream "${1}" | lower }}
{{- if and (eq $.Values.mode "gateway") (has $host (list $name (printf "%s.%s" $name $.Release.Namespace) (printf "%s.%s.svc" $name $.Release.Namespace) (printf "%s.%s.svc.cluster.local" $name $.Release.Namespace))) }}
- config.routes: the upstream of {{ .name }} is {{ .upstream }}, which is Sluice's own Service; name the backend's, or choose another fullnameOverride
{{- end }}
{{- end }}
{{- end }}

{{/* Labels that the chart writes itself; another value would part the pods from what selects them. */}}
{{- define "sluice.problems.labels" -}}
{{- $own := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "app.kubernetes.io/part-of" "helm.sh/chart" }}
{{- $pod := tpl (toYaml (default dict .Values.podLabels)) . | fromYaml }}
{{- range $place, $labels := dict "commonLabels" .Values.commonLabels "podLabels" $pod "labels" .Values.labels "service.labels" .Values.service.labels "ingress.labels" .Values.ingress.labels "httpRoute.labels" .Values.httpRoute.labels "serviceAccount.labels" .Values.serviceAccount.labels }}
{{- range $key, $value := $labels }}
{{- if has $key $own }}
- {{ $place }} has {{ $key }}, which the chart sets and selects by; take another key
{{- end }}
{{- if not (regexMatch "^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$" (toString $value)) }}
- {{ $place }}: {{ $value | quote }} is no value of a label; write at most 63 letters, digits, -, _ and ., or make an annotation of {{ $key }}
{{- end }}
{{- if not (regexMatch "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$" $key) }}
- {{ $place }}: {{ $key | quote }} is no key of a label; write example.org/name
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sluice.problems.pod" -}}
{{- $drain := include "sluice.drainSeconds" . | int64 }}
{{- $before := include "sluice.preStopSeconds" . | int64 }}
{{- $needed := add $drain $before 2 }}
{{- $grace := include "sluice.graceSeconds" . | int64 }}
{{- if lt $grace $needed }}
- terminationGracePeriodSeconds is {{ $grace }}, and a drain takes up to {{ $drain }} s (the longest drain.deadline){{ if $before }} after {{ $before }} s of preStop{{ end }}: Kubernetes would kill the pod before it has said goodbye. Write {{ add $drain $before 15 }} or 0 here, or a shorter drain.deadline (ci/spot-values.yaml)
{{- end }}
{{- if and (eq (default "" .Values.dnsPolicy) "None") (not (dig "nameservers" "" (default dict .Values.dnsConfig))) }}
- dnsPolicy is None, and dnsConfig.nameservers names no server, so that Kubernetes refuses the pod; write one, or leave dnsPolicy out
{{- end }}
{{- $context := mergeOverwrite (deepCopy (default dict .Values.podSecurityContext)) (default dict .Values.securityContext) }}
{{- if and $context.runAsNonRoot (hasKey $context "runAsUser") (eq (toString $context.runAsUser) "0") }}
- securityContext.runAsUser is 0, which is root, and runAsNonRoot is true, so that no container would start; write another user
{{- end }}
{{- range $name := list "publicAddress" "adminAddress" }}
{{- $address := include (printf "sluice.%s" $name) $ }}
{{- $key := ternary "config.listen.address" "config.admin.address" (eq $name "publicAddress") }}
{{- $port := regexFind "[0-9]+$" $address | default "8080" }}
{{- if not (regexMatch "^(0[.]0[.]0[.]0|\\[::\\]):[0-9]+$" $address) }}
- {{ $key }} is {{ $address }}, which nobody outside the pod reaches{{ if hasPrefix "unix:" $address }}: it has no port; Kubernetes needs one{{ end }}. Leave it out, or write 0.0.0.0:{{ $port }}, or [::]:{{ $port }} where pods have IPv6 addresses
{{- else if eq (int $port) 0 }}
- {{ $key }} is {{ $address }}, and Kubernetes needs to know the port; write {{ ternary 8080 9090 (eq $name "publicAddress") }}
{{- else if and (lt (int $port) 1024) (not (include "sluice.lowPorts" $)) }}
- {{ $key }} is {{ $address }}, and a process that is not root may not listen below 1024 everywhere. Write 1024 or more; the public port is service.port. Or add the sysctl net.ipv4.ip_unprivileged_port_start to podSecurityContext.sysctls
{{- end }}
{{- end }}
{{- if and (eq (include "sluice.publicAddress" . | regexFind "[0-9]+$") (include "sluice.adminAddress" . | regexFind "[0-9]+$")) (regexFind "[0-9]+$" (include "sluice.publicAddress" .)) }}
- config.admin.address is {{ include "sluice.adminAddress" . }}, whose port is that of config.listen.address too; write another
{{- end }}
{{- $mounted := list "/etc/ssl/" }}
{{- $taken := list "/" "/etc" "/etc/sluice" "/etc/sluice/listener" "/etc/sluice/limits" "/etc/sluice/admin" "/app" "/nodejs" }}
{{- $own := list }}
{{- if .Values.tls.existingSecret }}{{ $own = append $own "/etc/sluice/tls" }}{{ end }}
{{- if include "sluice.clientAuthorities" . }}{{ $own = append $own "/etc/sluice/clients" }}{{ end }}
{{- range .Values.tls.additionalSecrets }}{{ $own = append $own (printf "/etc/sluice/certificates/%s" .) }}{{ end }}
{{- if .Values.quotas.existingSecret }}{{ $own = append $own "/etc/sluice/quotas" }}{{ end }}
{{- range concat (default list .Values.auth.existingSecrets) (default list .Values.auth.existingConfigMaps) }}{{ $own = append $own (printf "/etc/sluice/auth/%s" .) }}{{ end }}
{{- range $own }}
{{- $mounted = append $mounted (printf "%s/" .) }}
{{- $taken = append $taken . }}
{{- end }}
{{- range tpl (toYaml (default list .Values.extraVolumeMounts)) . | fromYamlArray }}
{{- if and (kindIs "map" .) .mountPath }}
{{- $path := trimSuffix "/" .mountPath | default "/" }}
{{- $mounted = append $mounted (printf "%s/" (trimSuffix "/" .mountPath)) }}
{{- if has $path $taken }}
- extraVolumeMounts has the mountPath {{ .mountPath }}, which would hide Sluice's own files; take another
{{- end }}
{{- end }}
{{- end }}
{{- $facts := include "sluice.facts" . | fromJson }}
{{- range $path := $facts.fileSettings }}
{{- range $found := splitList "\n" (include "sluice.filesAt" (dict "at" $.Values.config "path" (splitList "." $path) "name" "config")) }}
{{- if $found }}
{{- $file := regexReplaceAll "^[^=]*=" $found "" }}
{{- $name := regexReplaceAll "=.*$" $found "" }}
{{- $there := false }}
{{- range $mounted }}{{ if hasPrefix . $file }}{{ $there = true }}{{ end }}{{ end }}
{{- if eq $name "config.admin.token_file" }}
{{- if not $there }}
- {{ $name }} is {{ $file }}, which is not in the pod. Leave it out: the chart brings the token; one of your own is admin.existingSecret
{{- end }}
{{- else if not $there }}
- {{ $name }} is {{ $file }}, which is not in the pod; {{ if hasPrefix "/etc/sluice/auth/" $file }}name its Secret in auth.existingSecrets, or its ConfigMap in auth.existingConfigMaps{{ else }}mount it with extraVolumes and extraVolumeMounts{{ if hasPrefix "config.listen.tls" $name }}, or use tls.existingSecret{{ else if eq "config.quotas.password_file" $name }}, or use quotas.existingSecret{{ else if or (contains ".auth[" $name) (eq $name "config.revoked_users") }}, or name its Secret in auth.existingSecrets and write /etc/sluice/auth/SECRET/KEY{{ end }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range .Values.extraContainers }}
{{- if eq (toString .name) "sluice" }}
- extraContainers has one of the name sluice, which is the gateway's; take another
{{- end }}
{{- end }}
{{- if .Values.tcpWmem }}
{{- range dig "sysctls" list (default dict .Values.podSecurityContext) }}
{{- if eq (toString .name) "net.ipv4.tcp_wmem" }}
- tcpWmem and podSecurityContext.sysctls both set net.ipv4.tcp_wmem; leave one out
{{- end }}
{{- end }}
{{- end }}
{{- if and (eq (dig "type" "RollingUpdate" (default dict .Values.strategy)) "Recreate") (hasKey (default dict .Values.strategy) "rollingUpdate") }}
- strategy.type is Recreate, which has no rollingUpdate; write strategy.rollingUpdate: null
{{- end }}
{{- end }}

{{/* A text may be several manifests, or by its own conditions none. */}}
{{- define "sluice.problems.extraObjects" -}}
{{- range $i, $object := .Values.extraObjects }}
{{- $text := tpl (kindIs "string" $object | ternary $object (toYaml $object)) $ | trim }}
{{- if and $text (not (regexMatch "(?m)^[\"']?kind[\"']?:" $text)) (not (hasPrefix "{" $text)) }}
- extraObjects[{{ $i }}] is no manifest, for it has no kind; write apiVersion, kind and metadata, as a mapping or as text
{{- end }}
{{- end }}
{{- end }}

{{- define "sluice.lowPorts" -}}
{{- range dig "sysctls" list (default dict .Values.podSecurityContext) }}
{{- if eq (toString .name) "net.ipv4.ip_unprivileged_port_start" }}true{{ end }}
{{- end }}
{{- end }}

{{/*
The files that a setting names, as lines NAME=FILE. Takes (dict "at" VALUE "path" (list "routes" "[]" "key") "name" NAME).
*/}}
{{- define "sluice.filesAt" -}}
{{- $path := .path }}
{{- $name := .name }}
{{- if empty $path }}
{{- if kindIs "string" .at }}{{ $name }}={{ .at }}{{ "\n" }}{{ end }}
{{- else if eq (first $path) "[]" }}
{{- if kindIs "slice" .at }}
{{- range $i, $item := .at }}{{ include "sluice.filesAt" (dict "at" $item "path" (rest $path) "name" (printf "%s[%d]" $name $i)) }}{{ end }}
{{- end }}
{{- else if kindIs "map" .at }}
{{- if hasKey .at (first $path) }}{{ include "sluice.filesAt" (dict "at" (get .at (first $path)) "path" (rest $path) "name" (printf "%s.%s" $name (first $path))) }}{{ end }}
{{- end }}
{{- end }}

{{- define "sluice.problems.memory" -}}
{{- with .Values.resources }}
{{- range $resource, $limit := .limits }}
{{- $request := dig "requests" $resource "" $.Values.resources }}
{{- if and (toString $request) (ne (toString $request) "<nil>") (gt (include "sluice.quantity" $request | float64) (include "sluice.quantity" $limit | float64)) }}
- resources.requests.{{ $resource }} is {{ $request }} and the limit {{ $limit }}; write a request that is not above the limit
{{- end }}
{{- end }}
{{- end }}
{{- with include "sluice.memoryLimit" . }}
{{- $limit := include "sluice.bytes" . | int64 }}
{{- $buffered := include "sluice.bytes" (include "sluice.maxBuffered" $) | int64 }}
{{- $heap := include "sluice.heapMiB" $ | int64 }}
{{- $tls := eq (include "sluice.tls" $) "true" }}
{{- $weight := ternary 2 1 $tls }}
{{- if lt $limit 201326592 }}
- resources.limits.memory is {{ . }}, and the kernel would kill the pod: Node, its heap and the smallest buffers need 192Mi; write 192Mi or more, 512Mi for hundreds of connections
{{- else if gt (mul 100 (add (mul $weight $buffered) (mul $heap 1048576))) (mul 80 $limit) }}
- {{ dig "memory" "max_buffered" "" $.Values.config | empty | ternary "memory.bufferedPercent" "config.memory.max_buffered" }} ({{ include "sluice.maxBuffered" $ }}{{ if $tls }}, counted twice with TLS{{ end }}) and {{ empty $.Values.memory.maxOldSpaceSize | ternary "memory.heapPercent" "memory.maxOldSpaceSize" }} ({{ $heap }}MiB) are more than 80 % of resources.limits.memory ({{ . }}) together, so the kernel would kill the pod; Node itself and the kernel's socket buffers need the rest
{{- end }}
{{- if lt $heap 48 }}
- {{ empty $.Values.memory.maxOldSpaceSize | ternary "memory.heapPercent" "memory.maxOldSpaceSize" }} leaves V8 {{ $heap }} MiB, with which Sluice does not start; leave it 48 or more
{{- end }}
{{- if lt $buffered 1048576 }}
- the buffers get {{ include "sluice.maxBuffered" $ }} of memory in all; raise memory.bufferedPercent or config.memory.max_buffered to 1MiB or more
{{- end }}
{{- else }}
{{- if and $.Values.memory.maxOldSpaceSize (lt (int64 $.Values.memory.maxOldSpaceSize) 48) }}
- memory.maxOldSpaceSize leaves V8 {{ $.Values.memory.maxOldSpaceSize }} MiB, with which Sluice does not start; write 48 or more, or 0
{{- end }}
{{- if and (or .Values.autoscaling.hpa.enabled .Values.autoscaling.keda.enabled) (not .Values.autoscaling.targets.bufferedBytes) (not (include "sluice.maxBuffered" .)) }}
- autoscaling.targets.bufferedBytes is empty and there is no memory limit to take it from; set it, such as 128Mi
{{- end }}
{{- end }}
{{- end }}

{{- define "sluice.problems.exposure" -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
- httpRoute.parentRefs is empty; name the Gateway, as [{name: NAME, namespace: NAMESPACE}]
{{- end }}
{{- $dns := "^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$" }}
{{- if .Values.httpRoute.enabled }}
{{- range .Values.httpRoute.hostnames }}
{{- $host := tpl . $ }}
{{- if not (regexMatch $dns $host) }}
- httpRoute.hostnames: {{ $host | quote }} is no host; write apps.example.org in lower case
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.ingress.enabled }}
{{- if not .Values.ingress.hosts }}
- ingress.hosts is empty, and the Ingress would lead nowhere; write [{host: apps.example.org, paths: [{path: /}]}]
{{- end }}
{{- range .Values.ingress.hosts }}
{{- $host := tpl (default "" .host) $ }}
{{- if and $host (not (regexMatch $dns $host)) }}
- ingress.hosts: {{ $host | quote }} is no host; write apps.example.org in lower case
{{- end }}
{{- range .paths }}
{{- if and (ne (default "Prefix" .pathType) "ImplementationSpecific") (regexMatch "//|/[.][.]?(/|$)|%2[fF]" .path) }}
- ingress.hosts: the path {{ .path | quote }} is one that Kubernetes refuses; write it without empty segments, dot segments and %2F
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sluice.problems.sidecar" -}}
{{- if eq .Values.mode "sidecar" }}
{{- if .Values.tcpWmem }}
- tcpWmem does nothing in mode: sidecar, where the pods belong to the other chart; set securityContext.sysctls in their template
{{- end }}
{{- range $key, $on := dict
  "ingress.enabled" .Values.ingress.enabled
  "httpRoute.enabled" .Values.httpRoute.enabled
  "autoscaling.hpa.enabled" .Values.autoscaling.hpa.enabled
  "autoscaling.keda.enabled" .Values.autoscaling.keda.enabled
  "networkPolicy.enabled" .Values.networkPolicy.enabled
  "metrics.serviceMonitor.enabled" .Values.metrics.serviceMonitor.enabled
  "serviceAccount.create" .Values.serviceAccount.create
}}
{{- if $on }}
- {{ $key }} does nothing in mode: sidecar, where pods and Service belong to the other chart; turn it off{{ if hasPrefix "metrics" $key }}, and metrics.podMonitor.enabled on{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
