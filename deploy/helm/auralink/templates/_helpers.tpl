{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}
{{- define "auralink.name" -}}
{{- $base := default .Release.Name .Values.nameOverride -}}
{{- if contains "auralink" $base }}{{ $base | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-auralink" $base | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "auralink.labels" -}}
app.kubernetes.io/name: auralink
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "auralink.selector" -}}
app.kubernetes.io/name: auralink
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "auralink.image" -}}
{{ .image.repository }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end }}

{{- define "auralink.keysSecret" -}}
{{ default (printf "%s-keys" (include "auralink.name" .)) .Values.auth.existingSecret }}
{{- end }}

{{- define "auralink.turnSecret" -}}
{{ default (printf "%s-turn" (include "auralink.name" .)) .Values.coturn.existingSecret }}
{{- end }}

{{- define "auralink.aicoreSecret" -}}
{{- if eq .Values.aicore.tls.mode "existing" }}{{ .Values.aicore.tls.existingSecret }}{{ else }}{{ include "auralink.name" . }}-aicore-tls{{ end -}}
{{- end }}

{{- define "auralink.clientSecret" -}}
{{- if eq .Values.aicore.tls.mode "existing" }}{{ .Values.aicore.tls.existingClientSecret }}{{ else }}{{ include "auralink.name" . }}-aicore-client{{ end -}}
{{- end }}

{{- define "auralink.clusterSecret" -}}
{{- if eq .Values.cluster.tls.mode "existing" }}{{ .Values.cluster.tls.existingSecret }}{{ else }}{{ include "auralink.name" . }}-cluster-tls{{ end -}}
{{- end }}

{{- /* Nothing that either program does needs a right, a shell or a file of its own. */ -}}
{{- define "auralink.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "auralink.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* The media ports of one pod: {root, ordinal} → JSON {udp, tcp} */ -}}
{{- define "auralink.ports" -}}
{{- $m := .root.Values.server.media -}}
{{- if eq $m.type "NodePort" -}}
{{- $p := int (add $m.nodePort .ordinal) -}}
{{- dict "udp" $p "tcp" $p | toJson -}}
{{- else -}}
{{- dict "udp" 7882 "tcp" 7881 | toJson -}}
{{- end -}}
{{- end }}

{{- /* The configuration of one pod: {root, ordinal} */ -}}
{{- define "auralink.config" -}}
{{- $v := .root.Values -}}
{{- $ports := include "auralink.ports" . | fromJson -}}
{{- $rtc := dict "udp_port" (int $ports.udp) "tcp_port" (int $ports.tcp) "single_port" true -}}
{{- with $v.server.media.workers }}{{ $_ := set $rtc "workers" (int .) }}{{ end -}}
{{- if $v.server.media.externalIP }}{{ $_ := set $rtc "use_external_ip" true }}{{ end -}}
{{- if eq $v.server.media.type "LoadBalancer" }}{{ $_ := set $rtc "node_ip" (index $v.server.media.loadBalancer.addresses (int .ordinal)) }}{{ end -}}
{{- $c := dict "port" 7880 "key_file" "/etc/auralink/keys/keys.yaml" "drain_timeout" (printf "%ds" (int $v.server.drainSeconds)) -}}
{{- $_ := set $c "logging" (dict "json" true) -}}
{{- $_ := set $c "prometheus" (dict "port" 6789) -}}
{{- with $v.server.region }}{{ $_ := set $c "region" . }}{{ end -}}
{{- if $v.server.tls.existingSecret }}{{ $_ := set $c "tls" (dict "cert_file" "/etc/auralink/tls/tls.crt" "key_file" "/etc/auralink/tls/tls.key") }}{{ end -}}
{{- if $v.aicore.enabled -}}
{{- $tls := dict "ca" "/etc/auralink/aicore/ca.crt" "cert" "/etc/auralink/aicore/tls.crt" "key" "/etc/auralink/aicore/tls.key" -}}
{{- $address := printf "%s-aicore.%s.svc:50051" (include "auralink.name" .root) .root.Release.Namespace -}}
{{- $_ := set $c "aic" (dict "enabled" true "ai_core" (dict "address" $address "tls" $tls)) -}}
{{- end -}}
{{- if $v.coturn.enabled -}}
{{- $turn := dict "host" $v.coturn.domain "secret_file" "/etc/auralink/turn/secret" "ttl" (int $v.coturn.ttlSeconds) -}}
{{- $servers := list (merge (dict "port" (int $v.coturn.udpPort) "protocol" "udp") $turn) (merge (dict "port" (int $v.coturn.udpPort) "protocol" "tcp") $turn) -}}
{{- if $v.coturn.tlsSecret }}{{ $servers = append $servers (merge (dict "port" (int $v.coturn.tlsPort) "protocol" "tls") $turn) }}{{ end -}}
{{- $_ := set $rtc "turn_servers" $servers -}}
{{- end -}}
{{- $_ := set $c "rtc" $rtc -}}
{{- if $v.redis.address -}}
{{- $redis := dict "address" $v.redis.address -}}
{{- with $v.redis.username }}{{ $_ := set $redis "username" . }}{{ end -}}
{{- if $v.redis.tls }}{{ $_ := set $redis "use_tls" true }}{{ end -}}
{{- $_ := set $c "redis" $redis -}}
{{- $tls := dict "ca_file" "/etc/auralink/cluster/ca.crt" "cert_file" "/etc/auralink/cluster/tls.crt" "key_file" "/etc/auralink/cluster/tls.key" -}}
{{- $_ := set $c "cluster" (dict "port" 7900 "tls" $tls) -}}
{{- end -}}
{{- mergeOverwrite $c (deepCopy $v.server.config) | toYaml -}}
{{- end }}

{{- /* What the schema cannot say. */ -}}
{{- define "auralink.check" -}}
{{- $s := .Values.server -}}
{{- if and (not .Values.auth.existingSecret) (not .Values.auth.keys) }}{{ fail "auth: give existingSecret, or keys (\"APIkey: secret\")" }}{{ end -}}
{{- if and (eq $s.media.type "LoadBalancer") (eq $s.kind "DaemonSet") }}{{ fail "server.media.type: a DaemonSet's pods cannot have load balancers of their own: take NodePort or HostPort" }}{{ end -}}
{{- if and (eq $s.media.type "LoadBalancer") (ne (len $s.media.loadBalancer.addresses) (int $s.replicas)) }}{{ fail (printf "server.media.loadBalancer.addresses: there must be %d, one for each pod" (int $s.replicas)) }}{{ end -}}
{{- if and (eq $s.media.type "NodePort") (eq $s.kind "StatefulSet") (gt (int (add $s.media.nodePort $s.replicas -1)) 32767) }}{{ fail "server.media.nodePort: there are not so many ports up to 32767 as pods" }}{{ end -}}
{{- if and $s.hostNetwork (ne $s.media.type "HostPort") }}{{ fail "server.hostNetwork goes with server.media.type HostPort" }}{{ end -}}
{{- if and (or (eq $s.kind "DaemonSet") (gt (int $s.replicas) 1)) (not .Values.redis.address) }}{{ fail "redis.address: more than one server find each other by Redis or Valkey; give its address" }}{{ end -}}
{{- if .Values.redis.address -}}
{{- $t := .Values.cluster.tls -}}
{{- if and (eq $t.mode "existing") (not $t.existingSecret) }}{{ fail "cluster.tls: mode existing wants existingSecret" }}{{ end -}}
{{- if and (eq $t.mode "certManager") (not $t.issuerRef.name) }}{{ fail "cluster.tls.issuerRef.name: which issuer of cert-manager?" }}{{ end -}}
{{- end -}}
{{- if and .Values.coturn.enabled (not .Values.coturn.peers) }}{{ fail "coturn.peers: name the addresses of our media, so that it relays to nothing else" }}{{ end -}}
{{- if and .Values.coturn.enabled (not .Values.coturn.secret) (not .Values.coturn.existingSecret) }}{{ fail "coturn: give existingSecret, or secret (openssl rand -hex 32)" }}{{ end -}}
{{- if .Values.aicore.enabled -}}
{{- $a := .Values.aicore -}}
{{- if and (eq $a.tls.mode "certManager") (not $a.tls.issuerRef.name) }}{{ fail "aicore.tls.issuerRef.name: which issuer of cert-manager?" }}{{ end -}}
{{- if and (eq $a.tls.mode "existing") (not (and $a.tls.existingSecret $a.tls.existingClientSecret)) }}{{ fail "aicore.tls: mode existing wants existingSecret and existingClientSecret" }}{{ end -}}
{{- if and (eq (int $a.autoscaling.minReplicas) 0) (eq $a.autoscaling.scaler "hpa") }}{{ fail "aicore.autoscaling: to go to 0 pods take scaler keda; an idle HorizontalPodAutoscaler has no metric to come back by" }}{{ end -}}
{{- if gt (int $a.autoscaling.minReplicas) (int $a.autoscaling.maxReplicas) }}{{ fail "aicore.autoscaling: minReplicas is above maxReplicas" }}{{ end -}}
{{- end -}}
{{- end }}
