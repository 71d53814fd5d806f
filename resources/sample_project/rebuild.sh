#!/bin/sh
# Makes the sample project anew: tasks, texts, tokenizer, config, then the base model, which Dayrun
# trains itself from random weights. 
# Usage: rebuild.sh BUILD_FOLDER   (a configured build of this project)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?"Usage: $0 BUILD_FOLDER (a configured build of this project)"}

echo "1/4 Building the generator and dayrun"
cmake --build "$build" --target dayrun_sample_generator dayrun
generator=$(find "$build" -name dayrun_sample_generator -type f | head -n 1)
dayrun=$(find "$build" -name dayrun -type f | head -n 1)

echo "2/4 Writing tasks, texts, tokenizer and config (seconds)"
rm -rf "$here/work"
"$generator" tasks "$here/data"
"$generator" base "$here/work" 40000

echo "3/4 Training the base model (about 15 minutes on 2 cores)"
"$dayrun" --batch "$here/recipes/base.yaml" --project "$here/work/project"

echo "4/4 Taking over the weights"
run=$(find "$here/work/project/runs" -mindepth 1 -maxdepth 1 -type d | head -n 1)
for file in config.json model.safetensors tokenizer.model; do
    cp "$run/adapter/$file" "$here/base/$file"
done
echo "Done: $here/base"
